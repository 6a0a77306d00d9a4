"""Bytes of a text file to characters: UTF-8, UTF-16, GB18030 and older encodings, by strict trial."""

import codecs
from dataclasses import dataclass

__all__ = ["Decoded", "decode"]

SAMPLE = 1 << 18
COMMON_HANZI = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"
    "用道行所然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想"
    "很酒店房间服务差吃送快请订单退货款问"
)


@dataclass(frozen=True)
class Decoded:
    """Text with how it was decoded.

    :ivar encoding: the Python name of the encoding.
    :ivar guessed: the encoding is not certain.
    :ivar odd_lines: 1-based lines that needed another encoding than the rest.
    """

    text: str
    encoding: str
    guessed: bool = False
    odd_lines: tuple[int, ...] = ()


def decode(content: bytes) -> Decoded | None:
    """Decode a text file.

    :param content: the whole file.
    :return: its text without byte order mark, or None where it is no text at all.
    """
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            text = _strict(content, encoding)
            if text is not None:
                return Decoded(text.removeprefix("\ufeff"), encoding)
            if encoding == "utf-8":
                return _by_line(content.removeprefix(mark))
            return None
    head = content[:SAMPLE]
    zeros = head.count(0)
    if zeros and (wide := _utf16(content)):
        return wide
    if _binary(head, zeros):
        return None
    text = _strict(content, "utf-8")
    if text is not None:
        return Decoded(text, "utf-8")
    if _mostly_utf8(content):
        return _by_line(content)
    encoding = _legacy(head)
    text = _strict(content, encoding)
    if text is None:
        return Decoded(content.decode("cp1252", "replace"), "cp1252", guessed=True)
    return Decoded(text, encoding, guessed=encoding != "gb18030")


def _strict(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _binary(head: bytes, zeros: int) -> bool:
    control = sum(head.count(byte) for byte in range(1, 32) if byte not in b"\t\n\r\f\x1a\x1b") + head.count(
        127
    )
    return control > max(8, len(head) // 50) or zeros > max(8, len(head) // 50)


def _utf16(content: bytes) -> Decoded | None:
    """UTF-16 without a mark, if one of the two byte orders gives text; the line breaks tell which."""
    little, big = content[:SAMPLE].count(b"\n\0"), content[:SAMPLE].count(b"\0\n")
    for encoding in ("utf-16-le", "utf-16-be") if little >= big else ("utf-16-be", "utf-16-le"):
        text = _strict(content, encoding)
        if text and _readable(text[: SAMPLE // 2]):
            return Decoded(text, encoding, guessed=True)
    return None


def _readable(text: str) -> bool:
    """Nine tenths letters, digits, signs of common scripts; hanzi count if the very common ones are among them."""
    hanzi = [char for char in text if "\u4e00" <= char <= "\u9fff"]
    common = sum(char in COMMON_HANZI for char in hanzi)
    good = len(hanzi) if common * 8 >= len(hanzi) else 0
    for char in text:
        low = "\x20" <= char < "\u0e80" or char in "\t\r\n"
        good += low or "\u2010" <= char <= "\u203b" or "\u3000" <= char <= "\u30ff"
        good += "\uac00" <= char <= "\ud7af" or "\uff00" <= char <= "\uff5e"
    return good * 10 >= len(text) * 9


def _mostly_utf8(content: bytes) -> bool:
    good = bad = 0
    for line in content.splitlines():
        if not line.isascii():
            if _strict(line, "utf-8") is None:
                bad += 1
            else:
                good += 1
    return good * 2 > bad


def _by_line(content: bytes) -> Decoded:
    texts: list[str] = []
    odd: list[int] = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        text = _strict(line, "utf-8")
        if text is None:
            odd.append(number)
            encoding = "gb18030" if _chinese(line) else "cp1252"
            text = line.decode(encoding, "replace")
        texts.append(text)
    return Decoded("\n".join(texts), "utf-8", guessed=True, odd_lines=tuple(odd))


def _legacy(head: bytes) -> str:
    if _chinese(head):
        return "gb18030"
    from charset_normalizer import from_bytes

    best = from_bytes(head[: 1 << 16]).best()
    found = best.encoding if best else "cp1252"
    return "cp1252" if found in ("ascii", "utf_8", "latin_1", "cp1250", "cp437", "cp850") else found


def _chinese(raw: bytes) -> bool:
    """Tell GB18030 from other 8-bit text: of the hanzi that come out, every eighth is a very common one."""
    text = raw.decode("gb18030", "replace")
    high = [char for char in text if char > "\x7f"]
    hanzi = [char for char in high if "\u4e00" <= char <= "\u9fff"]
    common = sum(char in COMMON_HANZI for char in hanzi)
    broken = text.count("\ufffd")
    return (
        bool(hanzi)
        and broken <= len(high) // 20 + 1
        and len(hanzi) > len(high) * 0.6
        and common * 8 >= len(hanzi)
    )
