"""The made-up report of flowers with what is looked at after the climb: labels, compression, damage, pretraining."""

from report_fixture import FLOWERS, LITE2, make_report, metric

from advisor.checks import (
    Check,
    Checks,
    Compressed,
    Compression,
    Control,
    Damaged,
    LabelNoise,
    Robustness,
    Suspect,
)
from advisor.measurement import LatencyMeasured
from advisor.result import Report


def make_checked_report() -> Report:
    """Everything that a report can hold, in its usual length."""
    most, less = metric(0.9), metric(0.87)
    suspects = tuple(
        Suspect(
            id=f"{FLOWERS[n % 5]}/0{n:03}.jpg",
            given=FLOWERS[n % 5],
            likely=FLOWERS[(n + 2) % 5],
            given_probability=0.02 + n / 100,
            likely_probability=0.97 - n / 50,
        )
        for n in range(6)
    )
    forms = (
        Compressed(
            form="int8",
            what="dynamic INT8: 90 % of the weights, all in linear layers, in 8 bits",
            metric=less,
            before=most,
            latency_ms=LatencyMeasured(p50=18.2, p95=21.0),
            latency_before_ms=LatencyMeasured(p50=29.1, p95=31.5),
            size_mb=8.4,
            size_before_mb=24.4,
            packed_mb=7.9,
            packed_before_mb=22.6,
        ),
        Compressed(
            form="half",
            what="FP16: weights and arithmetic in 16 bits",
            because="neither FP16 nor bfloat16 runs on this machine",
        ),
    )
    kinds = (
        Damaged(kind="darker", what="40 % less light", metric=metric(0.84), before=most),
        Damaged(kind="darker", what="40 % less light", because="no figures"),
    )
    checks = Checks(
        rows=(
            Check(name="label-noise", status="done", seconds=2.1),
            Check(name="control", status="skipped", because="only 7 examples have features of x/net"),
        ),
        label_noise=LabelNoise(
            model=LITE2,
            method="confident learning on its frozen features, cross-validated",
            checked=350,
            found=30,
            suspects=suspects,
        ),
        compression=Compression(model=LITE2, rung="last-block-long", forms=forms),
        robustness=Robustness(model=LITE2, rung="last-block-long", kinds=kinds),
        control=Control(
            model=LITE2,
            examples=350,
            seconds=44.0,
            pretrained_seconds=41.0,
            metric=metric(0.52),
            pretrained=most,
            gain=0.38,
            low=0.3,
            high=0.46,
        ),
    )
    return make_report(checks=checks)
