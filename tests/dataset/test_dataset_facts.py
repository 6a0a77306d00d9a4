import pytest

from advisor.brief import Brief
from advisor.dataset import Profile, facts, fill
from advisor.dataset.language import detect, language_shares
from advisor.dataset.profiling import estimate_tokens
from advisor.errors import DataError

SENTENCES = {
    "en": "Where is my parcel? It was promised for Monday and I have not heard from you.",
    "de": "Wo ist mein Paket? Es sollte am Montag kommen und ich habe nichts von Ihnen gehört.",
    "fr": "Où est mon colis ? Il était promis pour lundi et je n'ai pas de nouvelles de vous.",
    "es": "¿Dónde está mi paquete? Lo prometieron para el lunes y no he tenido noticias.",
    "it": "Dove è il mio pacco? Era promesso per lunedì e non ho avuto notizie della spedizione.",
    "pt": "Onde está a minha encomenda? Foi prometida para segunda e não recebi notícias do correio.",
    "nl": "Waar is mijn pakket? Het was beloofd voor maandag en ik heb niets van jullie gehoord.",
    "pl": "Gdzie jest moja paczka? Miała być w poniedziałek i nie mam żadnej wiadomości.",
    "tr": "Paketim nerede? Pazartesi için söz verilmişti ama bir haber yok, çok geç oldu.",
    "sv": "Var är mitt paket? Det skulle komma på måndag och jag har inte hört något från er.",
    "zh": "我的包裹在哪里？说好周一到的，到现在一点消息也没有。",
    "ja": "荷物はどこですか？月曜日に届くはずでしたが、まだ連絡がありません。",
    "ko": "제 소포는 어디에 있나요? 월요일에 온다고 했는데 소식이 없어요.",
    "ru": "Где моя посылка? Обещали в понедельник, но до сих пор нет никаких вестей, это уже слишком.",
    "uk": "Де моя посилка? Обіцяли у понеділок, але її досі немає і ніхто не відповідає.",
    "ar": "أين طردي؟ كان من المفترض أن يصل يوم الاثنين ولم أسمع شيئا.",
    "fa": "بسته من کجاست؟ قرار بود دوشنبه برسد ولی هیچ خبری نیست چرا.",
    "hi": "मेरा पार्सल कहाँ है? सोमवार को आना था।",
    "th": "พัสดุของฉันอยู่ที่ไหน",
    "el": "Πού είναι το δέμα μου; Το περίμενα τη Δευτέρα.",
    "he": "איפה החבילה שלי? הבטיחו ביום שני.",
    "vi": "Gói hàng của tôi ở đâu? Đã hứa thứ hai mà không có tin tức gì.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_languages_are_told_apart(language: str) -> None:
    assert detect(SENTENCES[language]) == language


def test_no_letters_and_no_hint() -> None:
    assert detect("12345 !!!") == "und" == detect("")
    assert detect("xyzzy qwrt") == "und-Latn"


def test_unsure_latin_texts_follow_the_majority() -> None:
    shares = language_shares([SENTENCES["en"], SENTENCES["en"], "xyzzy qwrt", SENTENCES["zh"]])
    assert shares == {"en": 0.75, "zh": 0.25}
    assert language_shares(["xyzzy"]) == {"und": 1.0}
    assert sum(language_shares(list(SENTENCES.values())).values()) == pytest.approx(1)


def test_chinese_with_foreign_words_stays_chinese() -> None:
    assert detect("我的order一直显示pending，什么时候可以ship到澳门？") == "zh"


def test_token_estimates() -> None:
    assert estimate_tokens("three little words") == pytest.approx(3.9)
    assert estimate_tokens("房间很大") == 4
    assert estimate_tokens("我的order，呢") == pytest.approx(3 + 1.3)


def described(**changes: object) -> Profile:
    usual = {
        "task": "text-classification",
        "examples": 1000,
        "counts": {"positive": 800, "negative": 200},
        "imbalance": 4.0,
        "duplicates": 3,
        "lengths": (1.0, 10.0, 20.4, 30.0, 60.0, 99.0),
        "languages": {"zh": 0.9, "en": 0.07, "fr": 0.02, "und": 0.01},
    }
    return Profile.model_validate({**usual, **changes})


def test_facts_of_texts_and_images() -> None:
    found = facts(described())
    assert (found.examples, found.classes, found.imbalance, found.tokens) == (1000, 2, 4.0, 20)
    assert found.languages == ("zh", "en") and found.resolution is None
    images = facts(
        described(task="image-classification", lengths=(), languages={}, sizes=(9, 64, 100, 110, 120, 130))
    )
    assert images.resolution == 100 and images.languages is None and images.tokens is None


def test_open_keys_are_filled_and_the_brief_wins() -> None:
    brief = Brief.parse(
        {"task": "text-classification", "data": {"examples": 50, "languages": ["zh-Hans", "en"]}}
    )
    filled, keys, findings = fill(brief, described())
    assert keys == ("data.classes", "data.tokens", "data.imbalance")
    assert filled.data.examples == 50 and filled.data.classes == 2
    assert [finding.kind for finding in findings] == ["contradiction"]
    assert "data.examples = 50" in findings[0].detail and "1000" in findings[0].detail
    assert brief.data.classes is None


@pytest.mark.parametrize(
    ("data", "contradicted"),
    [
        ({"examples": 1050}, False),
        ({"examples": 1500}, True),
        ({"classes": 3}, True),
        ({"languages": ["en"]}, True),
        ({"tokens": 35}, False),
        ({"tokens": 500}, True),
        ({"imbalance": 5.0}, False),
        ({"imbalance": 20.0}, True),
        ({"resolution": 10, "domain": "medical", "unlabelled": 7}, False),
    ],
)
def test_contradictions(data: dict[str, object], contradicted: bool) -> None:
    _, _, findings = fill(Brief.parse({"task": "text-classification", "data": data}), described())
    assert bool(findings) == contradicted


def test_another_task_is_a_contradiction() -> None:
    _, _, findings = fill(Brief.parse({"task": "image-classification"}), described())
    assert findings[0].severity == "high"


@pytest.mark.parametrize("metric", ["recall:positiv", "precision:positiv"])
def test_a_metric_of_an_unknown_class_names_the_nearest(metric: str) -> None:
    brief = Brief.parse({"task": "text-classification", "metric": metric})
    with pytest.raises(DataError, match=r"'positiv'.*positive, negative.*Did you mean 'positive'"):
        fill(brief, described())
    assert fill(Brief.parse({"task": "text-classification", "metric": "recall:negative"}), described())
