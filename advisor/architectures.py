"""What kind of network an architecture is: networks of one kind make alike use of a machine."""

import re
from functools import lru_cache

from advisor.knowledge import Modality

__all__ = ["CLASSES", "architecture_class"]

CLASSES = {
    "grouped-attention": r"swin|maxvit|maxxvit|davit|focalnet|\bnest|crossvit|coat_|twins|pvt|mvit|hiera|gcvit|xcit"
    r"|volo|tnt|cait|edgenext|halo|sam2",
    "hybrid": r"mobilevit|efficientformer|efficientvit|coatnet|coatnext|convit|levit|cvt|nextvit|tiny_vit|visformer"
    r"|swiftformer|csatv|resnetv2_50x|vit_.*_r\d|_hybrid|fastvit|vitamin|botnet|lambda|mobileone|pit_",
    "attention": r"\bvit|_vit|^vit|deit|beit|eva|flexivit|naflex|dinov|siglip|clip|samvit|aimv",
    "mlp": r"mixer|resmlp|gmlp|sequencer",
    "depthwise": r"mobilenet|efficientnet|mnasnet|ghost|rexnet|convnext|lcnet|tinynet|hardcore|fbnet|spnasnet|mixnet"
    r"|convmixer|inception_next|poolformer|caformer|convformer|repvit|xception|mambaout|rdnet|regnetz|hgnetv2_b0"
    r"|shufflenet|semnasnet|starnet|shvit|lite|fasternet|nasnet",
    "convolution": r"resnet|resnest|resnext|vgg|densenet|regnet|dpn|dla|hrnet|res2|inception|cspnet|darknet|ecanet"
    r"|nfnet|hgnet|selecsls|tresnet|vovnet|skresn|repvgg|gernet|ese_|senet|bat_|squeezenet|googlenet|alexnet|byob"
    r"|yolo|ssd|rcnn|deeplab|fcn|unet|edgenet|botnext",
}
"""The first kind whose pattern is found in the architecture's or the family's name; images only."""
KINDS = {name: re.compile(pattern) for name, pattern in CLASSES.items()}
SEQUENCES = {
    "text": "sequence", "audio": "sequence", "tabular": "other", "time-series": "sequence"
}  # fmt: skip


@lru_cache(maxsize=8192)
def architecture_class(architecture: str, family: str, modality: Modality) -> str:
    """Say what kind of network an architecture is.

    :param architecture: its name, as timm writes it, or the checkpoint's.
    :param family: the card's family, looked at where the architecture's name says nothing.
    :param modality: of the task that it is used for.
    :return: a key of `CLASSES`, `sequence` for transformers over texts and the like, or `other`.
    """
    if modality in SEQUENCES:
        return SEQUENCES[modality]
    for name in (architecture.lower(), family.lower()):
        for klass, pattern in KINDS.items():
            if pattern.search(name):
                return klass
    return "other"
