"""How timm's modules are grouped into families, and what follows from a family's kind."""

from dataclasses import dataclass

__all__ = ["ModuleFamily", "family_of"]


@dataclass(frozen=True)
class ModuleFamily:
    """A timm module as a family of cards.

    :ivar slug: part of the file name.
    :ivar title: the family's name.
    :ivar attention: whether it is built of attention blocks with `qkv` and `proj` layers.
    :ivar width_known: whether `num_features` is the width of the pooled feature.
    """

    slug: str
    title: str
    attention: bool = False
    width_known: bool = True


FAMILIES = {
    "beit": ModuleFamily("beit", "BEiT", attention=True),
    "byobnet": ModuleFamily("byobnet", "RepVGG, MobileOne and kindred ConvNets"),
    "convnext": ModuleFamily("convnext", "ConvNeXt"),
    "cspnet": ModuleFamily("cspnet", "CSPNet"),
    "deit": ModuleFamily("deit", "DeiT", attention=True),
    "densenet": ModuleFamily("densenet", "DenseNet"),
    "edgenext": ModuleFamily("edgenext", "EdgeNeXt"),
    "efficientnet": ModuleFamily("efficientnet", "EfficientNet"),
    "efficientvit_mit": ModuleFamily("efficientvit", "EfficientViT (MIT)", width_known=False),
    "eva": ModuleFamily("eva", "EVA and rotary ViT", attention=True),
    "fastvit": ModuleFamily("fastvit", "FastViT"),
    "ghostnet": ModuleFamily("ghostnet", "GhostNet", width_known=False),
    "hgnet": ModuleFamily("hgnet", "PP-HGNet", width_known=False),
    "hiera": ModuleFamily("hiera", "Hiera", attention=True),
    "inception_next": ModuleFamily("inception-next", "InceptionNeXt", width_known=False),
    "inception_resnet_v2": ModuleFamily("inception", "Inception"),
    "inception_v3": ModuleFamily("inception", "Inception"),
    "inception_v4": ModuleFamily("inception", "Inception"),
    "xception": ModuleFamily("inception", "Inception"),
    "levit": ModuleFamily("levit", "LeViT", width_known=False),
    "maxxvit": ModuleFamily("maxvit", "CoAtNet and MaxViT", width_known=False),
    "metaformer": ModuleFamily("metaformer", "MetaFormer (CAFormer, PoolFormer)", width_known=False),
    "mobilenetv3": ModuleFamily("mobilenet", "MobileNet", width_known=False),
    "mobilevit": ModuleFamily("mobilevit", "MobileViT"),
    "nextvit": ModuleFamily("nextvit", "Next-ViT"),
    "regnet": ModuleFamily("regnet", "RegNet"),
    "repghost": ModuleFamily("ghostnet", "GhostNet", width_known=False),
    "repvit": ModuleFamily("repvit", "RepViT"),
    "resnet": ModuleFamily("resnet", "ResNet"),
    "resnetv2": ModuleFamily("resnet", "ResNet"),
    "rexnet": ModuleFamily("rexnet", "ReXNet"),
    "swin_transformer": ModuleFamily("swin", "Swin Transformer", attention=True),
    "swin_transformer_v2": ModuleFamily("swin", "Swin Transformer", attention=True),
    "tiny_vit": ModuleFamily("tiny-vit", "TinyViT", attention=True),
    "vgg": ModuleFamily("vgg", "VGG", width_known=False),
    "vision_transformer": ModuleFamily("vit", "Vision Transformer (ViT)", attention=True),
}  # fmt: skip


def family_of(module: str) -> ModuleFamily:
    """Find the family of a timm module; a module that is not listed is a family of its own.

    :param module: the module's name in `timm.models`.
    :return: the family.
    """
    known = FAMILIES.get(module)
    return known or ModuleFamily(module.replace("_", "-"), module.replace("_", " "), width_known=False)
