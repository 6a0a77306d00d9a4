"""What source tables call licences and languages, in the knowledge base's own terms."""

from typing import Any

__all__ = ["languages", "licence"]

TWO_LETTERS = dict(
    pair.split("-")
    for pair in """
    afr-af aka-ak als-sq amh-am ara-ar arb-ar asm-as aze-az azj-az bam-bm bel-be ben-bn bod-bo bos-bs
    bre-br bul-bg cat-ca ces-cs cmn-zh cos-co cym-cy dan-da deu-de dzo-dz ekk-et ell-el eng-en epo-eo
    est-et eus-eu ewe-ee fao-fo fas-fa fij-fj fin-fi fra-fr fry-fy gaz-om gla-gd gle-ga glg-gl grn-gn
    guj-gu hat-ht hau-ha heb-he hin-hi hrv-hr hun-hu hye-hy ibo-ig ind-id isl-is ita-it jav-jv jpn-ja
    kan-kn kas-ks kat-ka kaz-kk khk-mn khm-km kik-ki kin-rw kir-ky kor-ko kur-ku kmr-ku lao-lo lat-la
    lav-lv lvs-lv lim-li lin-ln lit-lt ltz-lb lug-lg mal-ml mar-mr mkd-mk mlg-mg plt-mg mlt-mt mon-mn
    mri-mi msa-ms zsm-ms mya-my nep-ne npi-ne nld-nl nno-nn nob-nb nor-no nya-ny oci-oc ori-or ory-or
    orm-om pan-pa pes-fa prs-fa pol-pl por-pt pus-ps pbt-ps que-qu quy-qu ron-ro run-rn rus-ru sag-sg
    san-sa sin-si slk-sk slv-sl smo-sm sna-sn snd-sd som-so sot-st spa-es sqi-sq srd-sc srp-sr ssw-ss
    sun-su swa-sw swh-sw swe-sv tam-ta tat-tt tel-te tgk-tg tgl-tl tha-th tir-ti tsn-tn tso-ts tuk-tk
    tur-tr twi-tw uig-ug ukr-uk urd-ur uzb-uz uzn-uz vie-vi wol-wo xho-xh ydd-yi yid-yi yor-yo zho-zh
    zul-zu
    """.split()  # noqa: SIM905
)
PERMISSIVE = ("apache-2.0", "mit", "bsd-3-clause", "cc-by-3.0", "cc-by-4.0", "cc0-1.0", "openmdw-1.1", "isc")
COPYLEFT = ("mpl-2.0", "lgpl-3.0", "lgpl-lr", "gpl-3.0", "agpl-3.0", "cc-by-sa-3.0", "cc-by-sa-4.0")
OWN_TERMS = ("gemma", "llama", "qwen", "tongyi", "falcon", "deepseek", "openrail", "rail", "community", "yi")
ALIASES = {
    "apache 2.0": "apache-2.0",
    "gnu gpl 3.0": "gpl-3.0",
    "gnu lgpl 3.0": "lgpl-3.0",
    "cc by-sa 3.0": "cc-by-sa-3.0",
    "cc by-sa 4.0": "cc-by-sa-4.0",
    "cc by 4.0": "cc-by-4.0",
    "cc by-nc-sa 3.0": "cc-by-nc-sa-3.0",
}
TRAPS = {
    "non-commercial": "Non-commercial use only.",
    "custom": "The owner's own terms, which bind every product built on the model; read them before use.",
    "copyleft": "Copyleft: what you pass on that contains the weights must stay under the same licence.",
}


def languages(codes: str) -> tuple[str, ...] | None:
    """Translate language codes to BCP-47.

    :param codes: three-letter language and script, as in `eng-Latn|zho-Hans`; program code is passed over.
    :return: sorted tags; None if nothing is stated.
    """
    stems = {code.split("-")[0] for code in codes.split("|") if code and not code.endswith("-Code")}
    return tuple(sorted({TWO_LETTERS.get(stem, stem) for stem in stems})) or None


def licence(stated: str, source: str) -> dict[str, Any]:
    """Name a licence and its class.

    :param stated: an SPDX id, a name, a link to terms, or nothing.
    :param source: the source of the statement.
    :return: the licence as a card states it; one that is not stated is unknown, never permissive.
    """
    name = stated.strip().lower()
    name = ALIASES.get(name, name)
    if name in ("", "not specified", "none", "unknown"):
        return {"id": "unknown", "class": "unknown"}
    if name.startswith("https://"):
        name, klass = "gemma" if "gemma" in name else name, "custom"
    elif "-nc" in name or "non-commercial" in name:
        klass = "non-commercial"
    elif name in PERMISSIVE:
        klass = "permissive"
    elif name in COPYLEFT:
        klass = "copyleft"
    else:
        klass = "custom" if any(word in name for word in OWN_TERMS) else "unknown"
    return {"id": name, "class": klass, "trap": TRAPS.get(klass), "source": source}
