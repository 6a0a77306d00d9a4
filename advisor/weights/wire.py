"""Requests to the hub that wait, repeat and give up: through huggingface_hub's session, token and proxies."""

import datetime as dt
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from advisor.errors import Cancelled, WeightsUnavailable

__all__ = ["Attempts", "Patience", "endpoint", "exchange", "get_json", "host", "transport_errors"]

JSON_LIMIT = 50_000_000
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
TOKEN_HELP = "Set HF_TOKEN to a token that may read it"


@dataclass(frozen=True)
class Patience:
    """How long a hub is waited for; all times in seconds.

    :ivar tries: tries without any progress before giving up.
    :ivar breaks: broken downloads of one file before giving up, progress or not.
    :ivar longest_wait: the waiting in all between two signs of progress.
    """

    tries: int = 5
    breaks: int = 20
    first_wait: float = 1.0
    longest_wait: float = 60.0
    timeout: float = 10.0


@dataclass
class Attempts:
    """The tries at one thing: counts them, waits between them, and gives up."""

    subject: str
    patience: Patience
    cancelled: Callable[[], bool]
    failures: int = 0
    breaks: int = 0
    waited: float = field(default=0.0)

    def check(self) -> None:
        """Stop if the user asked to.

        :raises Cancelled: if so.
        """
        if self.cancelled():
            raise Cancelled(f"The download of {self.subject} was cancelled", fix="What was fetched is kept.")

    def progress(self) -> None:
        """Count failures anew, for something was received."""
        self.failures, self.waited = 0, 0.0

    def failed(self, why: str, retry_after: float | None = None, hopeless: bool = False) -> None:
        """Wait before the next try: as long as the hub asks, else 1, 2, 4 … times the first wait.

        :param why: what failed, for the message.
        :param retry_after: seconds that the hub asks to wait.
        :param hopeless: give up after the second failure.
        :raises WeightsUnavailable: when patience has ended.
        :raises Cancelled: if the user asked to stop meanwhile.
        """
        self.failures += 1
        self.breaks += 1
        wait = self.patience.first_wait * 2 ** (self.failures - 1) if retry_after is None else retry_after
        if self.waited + wait > self.patience.longest_wait and retry_after is not None:
            raise self._given_up(f"{why}, and asks to wait {retry_after:.0f} s")
        tries = min(2, self.patience.tries) if hopeless else self.patience.tries
        if self.failures >= tries or self.breaks >= self.patience.breaks:
            raise self._given_up(f"{why}, {self.failures} times in a row" if self.failures > 1 else why)
        self.waited += wait
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.1))

    def _given_up(self, why: str) -> WeightsUnavailable:
        return WeightsUnavailable(
            f"{self.subject} could not be fetched: {why}",
            fix="Try again later, or use what is here with --offline; what was fetched is kept.",
        )


def endpoint(environ: Mapping[str, str] = os.environ) -> str:
    """Name the hub: HF_ENDPOINT, else Hugging Face's own.

    :raises WeightsUnavailable: if HF_ENDPOINT is no address of a web server.
    """
    stated = (environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    try:
        parts = urlsplit(stated)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise WeightsUnavailable(
            "HF_ENDPOINT is not the address of a hub", "https://HOST or http://HOST:PORT"
        )
    return stated


def host(url: str) -> str:
    """Name the host and port of an address, without any user or password in it."""
    return urlsplit(url).netloc.rpartition("@")[2] or url


def transport_errors() -> tuple[type[Exception], ...]:
    """List the errors of the HTTP client that huggingface_hub uses, be it httpx or its successor."""
    client = _client_module()
    return (client.TransportError, client.TooManyRedirects, client.DecodingError)


@contextmanager
def exchange(
    method: str,
    url: str,
    attempts: Attempts,
    *,
    headers: Mapping[str, str] | None = None,
    follow: bool = True,
    token: bool = True,
) -> Iterator[Any]:
    """Send a request and hand out the answer, its body still unread.

    Statuses that may pass (408, 429, 5xx) and broken connections are tried again while patience lasts.

    :param follow: follow redirects; the token is not sent on to another host.
    :param token: send the user's token, if there is one.
    :return: the client's response, of a status below 400.
    :raises WeightsUnavailable: if the hub refuses, or patience has ended.
    :raises Cancelled: if the user asked to stop.
    """
    from huggingface_hub.utils import build_hf_headers, get_session

    client = _client_module()
    while True:
        attempts.check()
        session = get_session()
        try:
            request = session.build_request(
                method,
                url,
                headers={
                    **build_hf_headers(token=None if token else False),
                    "accept-encoding": "identity",
                    **(headers or {}),
                },
                timeout=attempts.patience.timeout,
            )
            response = session.send(request, stream=True, follow_redirects=follow)
        except transport_errors() as error:
            attempts.failed(
                f"{host(url)} cannot be reached ({type(error).__name__})",
                hopeless=isinstance(error, (client.ConnectError, client.ConnectTimeout, client.ProxyError)),
            )
            continue
        try:
            if response.status_code in RETRIED:
                attempts.failed(_busy(url, response.status_code), _retry_after(response.headers))
                continue
            if response.status_code >= 400:
                raise _refusal(attempts.subject, url, response)
            yield response
            return
        finally:
            response.close()


def get_json(url: str, attempts: Attempts) -> dict[str, Any]:
    """Get a JSON object of bounded size.

    :raises WeightsUnavailable: if the hub refuses, patience has ended, or the answer is no JSON object.
    :raises Cancelled: if the user asked to stop.
    """
    while True:
        body = bytearray()
        try:
            with exchange("GET", url, attempts) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > JSON_LIMIT:
                        raise _no_hub(url, f"more than {JSON_LIMIT} bytes")
        except transport_errors() as error:
            attempts.failed(f"{host(url)} broke off ({type(error).__name__})")
            continue
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            raise _no_hub(url, "something that is not JSON") from None
        if not isinstance(content, dict):
            raise _no_hub(url, "something that is not a JSON object")
        return content


def _no_hub(url: str, what: str) -> WeightsUnavailable:
    return WeightsUnavailable(
        f"{host(url)} answers with {what}", "the address of a hub in HF_ENDPOINT", "Check it, and any proxy."
    )


def _client_module() -> Any:
    from huggingface_hub.errors import HfHubHTTPError

    return import_module(HfHubHTTPError.__mro__[1].__module__.partition(".")[0])


def _busy(url: str, status: int) -> str:
    if status == 429:
        return f"{host(url)} says that there were too many requests (429)"
    return f"{host(url)} has an error of its own ({status})"


def _refusal(subject: str, url: str, response: Any) -> WeightsUnavailable:
    status, code = response.status_code, response.headers.get("x-error-code", "")
    place = f"{host(url)} ({status})"
    if code == "GatedRepo" or status == 403:
        return WeightsUnavailable(
            f"{subject} is gated at {place}",
            fix=f"Accept its licence on its page at {host(url)}. {TOKEN_HELP}.",
        )
    if code == "RevisionNotFound":
        return WeightsUnavailable(
            f"{subject}: there is no such revision at {place}", "a commit of that model"
        )
    if status == 401:
        sent = (
            "does not accept the token" if "authorization" in response.request.headers else "asks for a token"
        )
        return WeightsUnavailable(
            f"{subject}: {place} {sent}, or there is no such model", fix=f"{TOKEN_HELP}."
        )
    if status in (404, 410):
        return WeightsUnavailable(
            f"{subject} was not found at {place}", "the exact id and revision of a model on the hub"
        )
    return WeightsUnavailable(f"{subject}: refused by {place}", fix="Look at its page there for the reason.")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    stated = headers.get("retry-after", "").strip()
    if stated.isdigit():
        return float(stated)
    try:
        moment = parsedate_to_datetime(stated)
    except ValueError:
        return None
    now = dt.datetime.now(moment.tzinfo)
    return max(0.0, (moment - now).total_seconds())
