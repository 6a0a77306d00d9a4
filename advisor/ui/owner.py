"""Whose runs a session may see: everybody's on one's own machine, else the user's or the session's own."""

import os
from hashlib import sha256

import streamlit as st

__all__ = ["has_to_log_in", "owner"]

SHARED = "ADVISOR_SHARED"


def owner() -> str | None:
    """Name the owner of what this session starts.

    :return: the logged-in user, where a login is configured; with ADVISOR_SHARED=1 the session, by the secret in its
        link; None on one's own machine, where nothing needs to be set up.
    """
    if getattr(st.user, "is_logged_in", False):
        who = "|".join(str(st.user.get(key, "")) for key in ("iss", "sub", "email"))
        return f"user:{sha256(who.encode()).hexdigest()[:32]}"
    if os.environ.get(SHARED) == "1":
        return f"session:{sha256(str(st.session_state.get('token', '')).encode()).hexdigest()[:32]}"
    return None


def has_to_log_in() -> bool:
    """Say whether a login is configured (OpenID Connect, `[auth]` in Streamlit's secrets.toml) and nobody is in."""
    return "is_logged_in" in st.user and not st.user["is_logged_in"]
