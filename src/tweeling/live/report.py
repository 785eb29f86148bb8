"""From open cases to findings in words: raised, revised, closed; never erased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tweeling.estimate import LEVEL, Estimate
from tweeling.finding import CAUSES, Candidate, Evidence, Finding
from tweeling.inference.assimilation.extended_filter import Belief, Update, parts
from tweeling.inference.diagnosis.cases import Case, Closing, Diagnosis, causes_of, ranked
from tweeling.inference.diagnosis.library import Library
from tweeling.inference.model import Model

SHOWN = 10
"""Candidates and pieces of evidence that a finding carries."""
NEWS = 0.05
"""A probability that moves by more than this, or another first candidate, is worth a revision."""
WIDTH = 1.6449
"""Standard deviations of a normal that hold half of `LEVEL` on either side."""

ACTIONS = {
    "leak": "Inspect the candidate pipes, likeliest first: listen, or read a logger overnight.",
    "valve": "Check in the field whether the valves named stand as the drawing says.",
    "sensor": "Check and, if need be, recalibrate or replace the sensor; until then the twin does without it.",
    "demand": "Ask whether a large customer has changed what it takes.",
    "model": "Have the modeller look at roughness and demands in this area.",
    "unknown": "Look at the readings around this time; a measurement near by would tell more.",
}

MEANINGS = {
    "leak": (
        "Pressures and flows changed as a leak at {0} would change them.",
        "Druk en debiet veranderden zoals bij een lek bij {0}.",
    ),
    "valve": (
        "Pressures and flows changed as {0} closed or set otherwise would change them.",
        "Druk en debiet veranderden zoals wanneer {0} dicht of anders staat.",
    ),
    "sensor": ("Sensor {0} parted from all others.", "Sensor {0} wijkt af van alle andere."),
    "demand": ("Demand in {0} moved to another level.", "Het verbruik in {0} kwam op een ander niveau."),
    "model": (
        "Readings moved along {0}, in which the model may be wrong.",
        "Metingen verschoven langs {0}, waarin het model fout kan zijn.",
    ),
    "unknown": (
        "Readings differ from the twin, and no single known cause fits.",
        "Metingen wijken af van de tweeling en geen bekende oorzaak past.",
    ),
}

CLOSED = {
    "repaired": ("The leak has ended.", "Het lek is voorbij."),
    "gone": ("The leak loses next to nothing by now.", "Het lek verliest vrijwel niets meer."),
    "learnt": ("It lasted, and the twin expects it by now.", "Het hield aan; de tweeling verwacht het inmiddels."),
    "person": ("A person closed it.", "Een mens sloot het af."),
}


@dataclass(frozen=True, eq=False)
class Context:
    """What findings are written from.

    Args:
        library: of causes.
        model: the twin.
        end: of the cycle that has just been taken, microseconds since 1970 UTC.
        belief: after it.
        update: what its surprise was.
    """

    library: Library
    model: Model
    end: int
    belief: Belief
    update: Update


def revised(
    context: Context,
    before: Sequence[Finding],
    findings: Sequence[Finding],
    diagnosis: Diagnosis,
    closings: Sequence[Closing],
) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """All findings after a cycle, and those of them that changed since the cycle before.

    Args:
        context: what findings are written from.
        before: after the cycle before.
        findings: the same with what people have said of them since.
        diagnosis: after this cycle.
        closings: cases that it or a person closed.
    """
    known = {finding.id: finding for finding in before}
    now = {finding.id: finding for finding in findings}
    for closing in closings:
        name = _id(closing.number)
        old = now[name]
        en, nl = CLOSED[closing.why]
        over = Evidence("closed", "", {"why": closing.why}, {"en": en, "nl": nl})
        now[name] = replace(old, closed=context.end, revision=old.revision + 1, evidence=(over, *old.evidence))
    for case in diagnosis.cases:
        fresh = _finding(context, case, diagnosis, now.get(_id(case.number)))
        old_finding = now.get(fresh.id)
        if old_finding is None:
            now[fresh.id] = fresh
        elif _news(old_finding, fresh):
            now[fresh.id] = replace(fresh, revision=old_finding.revision + 1)
    changed = tuple(finding for name, finding in now.items() if known.get(name) is not finding)
    return tuple(now.values()), changed


def _id(number: int) -> str:
    return f"f-{number:04d}"


def _news(old: Finding, new: Finding) -> bool:
    """Whether a person would want to hear of the change."""
    first = [finding.candidates[0].element if finding.candidates else "" for finding in (old, new)]
    moved = max(abs(old.causes[cause] - new.causes[cause]) for cause in CAUSES)
    grown = bool(old.size and new.size and abs(new.size.median - old.size.median) > 0.1 * abs(old.size.median))
    return first[0] != first[1] or moved > NEWS or grown


def _finding(context: Context, case: Case, diagnosis: Diagnosis, old: Finding | None) -> Finding:
    """A case in words."""
    causes = _causes(context.library, case)
    candidates = tuple(Candidate(name, round(chance, 4)) for name, chance in _candidates(context, case)[:SHOWN])
    element = candidates[0].element if candidates else case.element
    en, nl = MEANINGS[case.kind]
    strength = float(case.verdict.strength.max(initial=0.0))
    main = Evidence(
        "pattern", "", {"log_bayes_factor": round(strength, 2)}, {"en": en.format(element), "nl": nl.format(element)}
    )
    return Finding(
        id=_id(case.number),
        kind=case.kind,
        subject=_subject(context, case, element),
        since=case.onset,
        raised=case.opened,
        closed=None,
        revision=1,
        probability=round(min(case.verdict.probability, 0.9999), 4),
        causes=causes,
        candidates=candidates,
        size=_size(context, case, diagnosis),
        evidence=(main, *(old.evidence[1:] if old else _surprising(context))),
        action=ACTIONS[case.kind],
        verdict=old.verdict if old else "",
        notes=old.notes if old else (),
        real_cause=old.real_cause if old else "",
    )


def _causes(library: Library, case: Case) -> dict[str, float]:
    """Probabilities that sum to 1 over all of `CAUSES`; "unknown" and "model" are never quite excluded."""
    raw = causes_of(library, case.verdict)
    told = {cause: raw.get(cause, 0.0) for cause in CAUSES}
    for cause in ("model", "unknown"):
        told[cause] = max(told[cause], 0.005)
    total = sum(told.values())
    rounded = {cause: round(share / total, 4) for cause, share in told.items()}
    likeliest = max(rounded, key=lambda cause: rounded[cause])
    rounded[likeliest] = round(rounded[likeliest] + 1 - sum(rounded.values()), 4)
    return rounded


def _candidates(context: Context, case: Case) -> Sequence[tuple[str, float]]:
    if case.kind == "leak":
        ids = context.model.network.links.ids
        return [(ids[pipe], float(chance)) for pipe, chance in zip(case.places.pipe, case.places.probability, strict=True)]
    return ranked(context.library, case.verdict, case.kind)


def _subject(context: Context, case: Case, element: str) -> str:
    """The zone of a pipe, else the element itself."""
    network, zones = context.model.network, context.model.zones
    if case.kind != "leak" or element not in network.links.index:
        return element or "network"
    link = network.links.index[element]
    ends = [end for end in (network.links.start[link], network.links.end[link]) if end < network.nodes.n_junctions]
    return zones.ids[zones.of_junction[ends[0]]] if ends else element


def _size(context: Context, case: Case, diagnosis: Diagnosis) -> Estimate | None:
    """What a leak loses."""
    if case.kind != "leak":
        return None
    number = [other.number for other in diagnosis.cases if other.kind == "leak"].index(case.number)
    place = parts(context.model)[3].start + number
    mean, sd = float(context.belief.mean[place]), float(np.sqrt(context.belief.covariance[place, place]))
    low, high = max(mean - WIDTH * sd, 0.0), max(mean + WIDTH * sd, 0.0)
    return Estimate(max(mean, 0.0), low, high, LEVEL, "m3/s")


def _surprising(context: Context) -> tuple[Evidence, ...]:
    """The sensors that part most from what all others say."""
    update, compared = context.update, context.model.compared
    alone = np.diag(update.precision)
    z = np.divide(update.precision @ update.surprise, np.sqrt(alone), out=np.zeros(len(alone)), where=alone > 0)
    told = []
    for row in np.argsort(-np.abs(z), kind="stable")[:SHOWN]:
        if abs(z[row]) < 2:
            break
        sensor = context.model.sensors.rows[compared.sensor[row]]
        lower = z[row] < 0
        told.append(
            Evidence(
                "surprise",
                sensor.id,
                {"standard_deviations": round(float(z[row]), 2)},
                {
                    "en": f"{sensor.id} reads {'lower' if lower else 'higher'} than expected.",
                    "nl": f"{sensor.id} meet {'lager' if lower else 'hoger'} dan verwacht.",
                },
            )
        )
    return tuple(told)
