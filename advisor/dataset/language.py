"""In which language a text is written, roughly: by its script, and for Latin letters by its small words."""

import re
import unicodedata
from collections.abc import Sequence

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
WORDS = {
    "en": "the and is of to in it you that was for are with on this have not be my can how what do from they we he at but your i me will if just so out there when a an as or no yes please like did where who which does",
    "de": "der die das und ist nicht ich ein eine zu mit den von auf für sich es auch wie dem wir sie aber habe noch nach kann mein bei war sind im am wird oder als haben",
    "fr": "le la les et est un une des pas je vous que pour dans ce qui sur avec au du ne mon ma nous il elle mais cette sont été très plus comme où c'est j'ai à l'",
    "es": "el la los las y es un una que de en no por para con se mi lo del al pero muy como más su está este ha yo qué son fue cuando",
    "it": "il lo gli e è un una di che non per con del della sono mi ma come si questo ho anche alla più nel mia ha molto le ci da",
    "pt": "o a os as e é um uma que de não para com do da em no na por mas meu minha eu se foi muito mais você está como ao são",
    "nl": "de het een en is niet ik van op te dat met voor zijn er maar heb aan mijn ook naar bij wat was je we deze worden",
    "pl": "i w nie na jest że się z do to jak ale mam o za co po czy mnie mi dla jestem przez tak od był są",
    "tr": "ve bir bu için çok ne de da ben değil var mı ile ama daha gibi olarak kadar yok en o nasıl benim oldu",
    "sv": "och är att det en i som på jag inte för med av den har till om ett min men var så kan vi från när",
    "da": "og er at det en i som på jeg ikke for med af den har til om et min men var så kan vi fra når",
    "id": "yang dan di ini itu tidak untuk saya dengan dari ke ada bisa akan sudah apa juga kami pada karena sangat",
    "vi": "và là của không có tôi được cho này một với các người đã trong để thì mà rất cũng như",
    "ro": "și este nu la de în un o cu pe care mai din sunt pentru am că ce ca dar foarte fost",
    "cs": "a je se na to že v s jsem ale jak za tak pro už by si mi do jsou není když",
    "fi": "ja on ei että se en oli mutta kun niin hän ovat tämä joka minä mitä myös olen",
}
CHARS = {
    "de": "ßäöü", "fr": "çèêàùœ", "es": "ñ¿¡", "pt": "ãõ", "pl": "łąęśżź", "tr": "ğşı", "sv": "å", "da": "æø",
    "vi": "ơưđạảấầẩậắặẹẻẽếềểệỉịọỏốồổộớờởợụủứừửựỳỵỷỹ", "ro": "șță", "cs": "řůě", "fi": "ää",
}  # fmt: skip
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
VOTES: dict[str, list[str]] = {}
for _language, _words in WORDS.items():
    for _word in _words.split():
        VOTES.setdefault(_word, []).append(_language)
SAMPLE = 2000


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
        known = [tag for tag in counts if tag in WORDS]
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
    lowered = unicodedata.normalize("NFC", text.lower())
    votes: dict[str, float] = {}
    for word in WORD.findall(lowered):
        spoken = VOTES.get(word.replace("’", "'"), ())
        for language in spoken:
            votes[language] = votes.get(language, 0.0) + 1.0 / len(spoken)
    if not lowered.isascii():
        for language, letters in CHARS.items():
            hits = sum(lowered.count(letter) for letter in letters)
            if hits:
                votes[language] = votes.get(language, 0.0) + min(hits, 4) * 0.75
    if not votes:
        return "und-Latn"
    best = max(votes, key=lambda name: (votes[name], name == "en"))
    return best if votes[best] >= 0.5 else "und-Latn"
