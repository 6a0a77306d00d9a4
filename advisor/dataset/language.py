"""In which language a text is written, roughly: by its script, and for Latin letters by its small words."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

__all__ = ["detect", "language_shares"]

SCRIPTS = (
    ("ja", "\u3040", "\u30ff"),
    ("ko", "\uac00", "\ud7af"),
    ("ko", "\u1100", "\u11ff"),
    ("zh", "\u4e00", "\u9fff"),
    ("zh", "\u3400", "\u4dbf"),
    ("cyrillic", "\u0400", "\u04ff"),
    ("arabic", "\u0600", "\u06ff"),
    ("he", "\u0590", "\u05ff"),
    ("hi", "\u0900", "\u097f"),
    ("bn", "\u0980", "\u09ff"),
    ("ta", "\u0b80", "\u0bff"),
    ("te", "\u0c00", "\u0c7f"),
    ("th", "\u0e00", "\u0e7f"),
    ("el", "\u0370", "\u03ff"),
    ("ka", "\u10a0", "\u10ff"),
    ("hy", "\u0530", "\u058f"),
)
LETTERS = {"cyrillic": {"uk": "іїєґ", "ru": "ыэёъ"}, "arabic": {"fa": "پچژگ", "ur": "ٹڈڑےہ"}}
WORDS = """
en the and is of to in it you that was for are with on this have not be my can how what do from they we he
en at but your i me will if just so out there when a an as or no yes please like did where who which does
en said new one two year time good get go also after more would could should been their were up about into
en than only other some over now work order need want has had its his her him she them our us by any all
en company first last very
de der die das und ist nicht ich ein eine zu mit den von auf für sich es auch wie dem wir sie aber habe
de noch nach kann mein bei war sind im am wird oder als haben einen des zum zur mehr keine immer nur
fr le la les et est un une des pas je vous que pour dans ce qui sur avec au du ne mon ma nous il elle mais
fr cette sont été très plus comme où c'est j'ai à en d'un n'est qu'il
es el la los las y es un una que de en no por para con se mi lo del al pero muy como más su está este ha yo
es qué son fue cuando
it il lo gli e è un una di che non per con del della sono mi ma come si questo ho anche alla più nel mia ha
it molto le ci da
pt o os as e é um uma que de não para com do da em no na por mas meu minha eu se foi muito mais você está
pt como ao são
nl de het een en is niet ik van op te dat met voor zijn er maar heb aan mijn ook naar bij wat was je we
nl deze worden
pl i w nie na jest że się z do to jak ale mam o za co po czy mnie mi dla jestem przez tak od był są
tr ve bir bu için çok ne de da ben değil var mı ile ama daha gibi olarak kadar yok en o nasıl benim oldu
sv och är att det en i som på jag inte för med av den har till om ett min men var så kan vi från när
da og er at det en i som på jeg ikke for med af den har til om et min men var så kan vi fra når
id yang dan di ini itu tidak untuk saya dengan dari ke ada bisa akan sudah apa juga kami pada karena sangat
vi và là của không có tôi được cho này một với các người đã trong để thì mà rất cũng như
ro și este nu la de în un o cu pe care mai din sunt pentru am că ce ca dar foarte fost
cs a je se na to že v s jsem ale jak za tak pro už by si mi do jsou není když
fi ja on ei että se en oli mutta kun niin hän ovat tämä joka minä mitä myös olen
"""
CHARS = {
    "de": "ßäöü", "fr": "çèêàùœ", "es": "ñ¿¡", "pt": "ãõ", "pl": "łąęśżź", "tr": "ğşı", "sv": "å", "da": "æø",
    "vi": "ơưđạảấầẩậắặẹẻẽếềểệỉịọỏốồổộớờởợụủứừửựỳỵỷỹ", "ro": "șță", "cs": "řůě", "fi": "ää",
}  # fmt: skip
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SAMPLE = 2000
SHARE_OF_WORDS = 0.08


@lru_cache(maxsize=1)
def _votes() -> dict[str, dict[str, float]]:
    """Word → language → vote; a word of several languages, or of one letter, says less."""
    spoken: dict[str, set[str]] = {}
    for line in WORDS.strip().splitlines():
        language, *words = line.split()
        for word in words:
            spoken.setdefault(word, set()).add(language)
    return {
        word: dict.fromkeys(sorted(languages), (0.3 if len(word) == 1 else 1.0) / len(languages))
        for word, languages in spoken.items()
    }


def detect(text: str) -> str:
    """Guess the language of one text.

    :param text: any text; its first 1,000 characters count.
    :return: a BCP-47 tag; `und` where there are no letters, `und-Latn` where no small word gives a hint.
    """
    head = text[:1000]
    scripts: dict[str, int] = {}
    latin = 0
    for char in head:
        if char < "\u0250":
            latin += char.isalpha()
            continue
        for name, low, high in SCRIPTS:
            if low <= char <= high:
                scripts[name] = scripts.get(name, 0) + 1
                break
    if scripts:
        script = max(scripts, key=lambda name: scripts[name])
        dense = script in ("zh", "ja", "ko")
        if scripts[script] * (3 if dense else 1) >= latin:
            if script == "zh" and scripts.get("ja", 0) * 5 >= scripts["zh"]:
                return "ja"
            return _by_letters(script, head)
    return _latin(head) if latin else "und"


def language_shares(texts: Sequence[str]) -> dict[str, float]:
    """Count the languages of many texts, of an even sample where there are more than 2,000.

    Texts in Latin letters without a hint count as the most frequent language in Latin letters.

    :param texts: the texts.
    :return: tag → share, largest first; `und` for texts without letters.
    """
    step = max(1, len(texts) // SAMPLE)
    counts: dict[str, int] = {}
    for text in texts[::step]:
        tag = detect(text)
        counts[tag] = counts.get(tag, 0) + 1
    total = sum(counts.values())
    unsure = counts.pop("und-Latn", 0)
    if unsure:
        known = [tag for tag in counts if re.search(rf"^{tag} ", WORDS, re.MULTILINE)]
        main = max(known, key=lambda tag: counts[tag]) if known else "und"
        counts[main] = counts.get(main, 0) + unsure
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {tag: count / total for tag, count in ranked}


def _by_letters(script: str, text: str) -> str:
    if script not in LETTERS:
        return script
    lowered = text.lower()
    for language, letters in LETTERS[script].items():
        if any(letter in lowered for letter in letters):
            return language
    return {"cyrillic": "ru", "arabic": "ar"}[script]


def _latin(text: str) -> str:
    lowered = unicodedata.normalize("NFC", text.lower()).replace("’", "'")
    words = WORD.findall(lowered)
    table = _votes()
    votes: dict[str, float] = {}
    for word in words:
        for language, vote in table.get(word, {}).items():
            votes[language] = votes.get(language, 0.0) + vote
    if not lowered.isascii():
        for language, letters in CHARS.items():
            if hits := sum(lowered.count(letter) for letter in letters):
                votes[language] = votes.get(language, 0.0) + min(hits, 4) * 0.75
    if not votes:
        return "und-Latn"
    best = max(votes, key=lambda name: (votes[name], name == "en"))
    return best if votes[best] >= max(0.5, SHARE_OF_WORDS * len(words)) else "und-Latn"
