"""Start the app's server: `python -m advisor.ui.serve SCRIPT [OPTIONS OF STREAMLIT]`."""

import sys
from collections.abc import Sequence

__all__ = ["main"]

HERE = "127.0.0.1"


def main(words: Sequence[str]) -> None:
    """Run a Streamlit server that only this machine reaches, and that asks no other machine anything.

    Left to itself Streamlit listens to the whole network, and asks a host on the internet for this machine's address,
    to print it at the start and whenever a page is opened under a name that it does not know. To serve others, set
    STREAMLIT_SERVER_ADDRESS, and STREAMLIT_BROWSER_SERVER_ADDRESS to the name under which they come.

    :param words: the script, and options as for `streamlit run`.
    """
    from streamlit import config, net_util
    from streamlit.web import cli

    net_util.get_external_ip = lambda: None
    told = any(word.partition("=")[0] == "--server.address" for word in words)
    address = [] if told or config.get_option("server.address") else ["--server.address", HERE]
    cli.main(["run", *words, *address], prog_name="advisor app")


if __name__ == "__main__":
    main(sys.argv[1:])
