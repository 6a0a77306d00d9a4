"""Do the facts of the knowledge base agree exactly with the tables that they are said to come from?

Draws facts at random over the whole base (numbers of cards, published results, published speeds), looks each up in
its source's table, and compares to the last digit. Facts whose table is not in the folder are counted apart.
"""

import argparse
import os
import random
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path

from fact_tables import Claim, Tables, sources_checked

from advisor.knowledge import Fact, Knowledge, ModelCard, load_knowledge


def claims(knowledge: Knowledge) -> list[Claim]:
    """List every number of the base that names a source, in the order of the files."""
    refs = {
        card.id: tuple(place.ref for place in card.where if place.kind == "timm") for card in knowledge.models
    }
    found: list[Claim] = []
    for card in knowledge.models:
        count = card.parameters.value if card.parameters else None
        for name in ModelCard.model_fields:
            fact = getattr(card, name)
            if isinstance(fact, Fact):
                found.append(
                    Claim(card.id, name, fact.value, fact.source, fact.protocol, refs[card.id], 1, count)
                )
    for row in knowledge.results:
        what = f"{row.benchmark}/{row.metric}"
        found.append(Claim(row.model, what, row.value, row.source, row.protocol, refs[row.model]))
    for speed in knowledge.latencies:
        what = f"{speed.device}/{speed.precision}/{speed.runtime}"
        found.append(Claim(speed.model, what, speed.ms, speed.source, None, refs[speed.model], speed.batch))
    return found


def main() -> int:
    """Draw, compare, print; 1 if a fact disagrees with its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("ADVISOR_BENCH_DATA"))
    parser.add_argument("--facts", type=int, default=300, help="how many to draw; 0 takes all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--knowledge", type=Path)
    options = parser.parse_args()
    if not options.data or not Path(options.data).is_dir():
        parser.error("name the folder of source tables with --data or ADVISOR_BENCH_DATA")
    tables, everything = Tables(Path(options.data)), claims(load_knowledge(options.knowledge))
    random.Random(options.seed).shuffle(everything)
    wanted = options.facts or len(everything)
    agreed, wrong, absent = 0, list[str](), Counter[str]()
    for claim in everything:
        if agreed + len(wrong) == wanted:
            break
        stated = tables.look_up(claim)
        if stated is None:
            absent[claim.source] += 1
        elif Decimal(str(claim.value)) in stated:
            agreed += 1
        else:
            shown = ", ".join(str(value) for value in stated[:6]) or "no such row"
            wrong.append(f"{claim}: the table says {shown}")
    print(f"seed {options.seed}: {agreed} of {agreed + len(wrong)} facts agree exactly", end="; ")
    print(f"{len(everything)} facts in the base, {len(sources_checked())} sources can be looked up")
    if absent:
        listed = ", ".join(f"{source} {count}" for source, count in absent.most_common())
        print(f"not checkable here ({sum(absent.values())} drawn besides): {listed}")
    for line in wrong:
        print(f"DISAGREES {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
