"""The address and the token of a billing system over HTTP: what may be set, and what is refused with a reason."""

import re
from urllib.parse import urlsplit


def is_http(url: str) -> bool:
    """Whether that is the address of an API, and not of a database."""
    return url.lower().startswith(("http://", "https://"))


def check_address(text: str) -> None:
    """ValueError: no address in front of an API's paths, or one that carries a secret where logs would show it."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be an address such as https://mis.example/arrears/v1")
    if "@" in url.netloc:
        raise ValueError("must carry no name or password: the token goes into ARREARS_BILLING_TOKEN")
    if "?" in text or "#" in text:
        raise ValueError("must end with a path, without ? or #")


def check_token(text: str) -> None:
    """ValueError: the token cannot stand in a header."""
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("must be one word of letters, digits and signs, without blanks")
