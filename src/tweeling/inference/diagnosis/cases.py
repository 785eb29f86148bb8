"""Cases: what was found to be wrong, how the twin lives with it meanwhile, and when it is over.

While nothing is wrong one body of evidence is gathered, the *watch*. When it says clearly enough that something is wrong, a
case is opened and the watch begins anew. The case keeps the evidence of its onset and goes on gathering, so that its causes and
places grow sharper; and the twin takes it into account from then on:

    leak      becomes an unknown of the filter, at its candidates; what the filter had made of it is taken back
    sensor    is not assimilated while the case is open
    demand    moves the zone's profile
    others    loosen directions and offsets, so that the twin learns the network anew
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tweeling.inference.assimilation.extended_filter import (
    Belief,
    Update,
    grown,
    loosened,
    parts,
    taken_back,
    with_leak,
    without_leak,
)
from tweeling.inference.diagnosis.evidence import Evidence, gather, no_evidence
from tweeling.inference.diagnosis.library import Library, with_repairs
from tweeling.inference.diagnosis.verdict import Verdict, judge, restlessness
from tweeling.inference.ensemble import MOST_LEAKS, Places
from tweeling.inference.model import Model
from tweeling.network.network import Floats, Ints
from tweeling.reading import HOUR

RAISE = {"leak": 4.6, "sensor": 4.6, "repair": 4.6, "demand": 10.0, "valve": 14.0, "model": 25.0, "unknown": 25.0}
"""Log odds from which a kind is called wrong: 99 to 1, and more for what is seldom right and asks much of people."""
LEAST_LEAK = 0.012
"""Share of the town's mean demand below which a leak is not told from what no model knows."""
LEAST_OFFSET = 0.2
"""Share of a usual fault (1 m of a pressure, a fifth of a flow) below which a sensor is not told from an imperfect model."""
PERSIST = {"leak": 2, "valve": 3, "sensor": 2, "demand": 3, "model": 6, "unknown": 6, "repair": 2}
"""Hours in a row for which it must be so (cycles, where those are longer)."""
CALM = 0.0
"""Log odds below which the twin learns."""
PATIENCE_HOURS = 24.0
"""How long the twin stops learning for a suspicion that does not become clear."""
LEARNING_HOURS = 96.0
"""Hours of readings before anything is called wrong."""
CANDIDATES = 40
"""Places of a leak that the members are spread over."""
SAME_PLACE = 0.1
"""Overlap of candidates from which a leak is one that was found before and has grown."""
ALIKE = 0.75
"""Likeness of two leaks (cosine of what the sensors see of them) from which, within `SAME_HOURS`, they are one."""
SAME_HOURS = 168.0
DOUBT = 0.5
"""Of the size of a leak when it is found, whatever the evidence of its first hours says."""
GONE = 0.2
"""A leak is over when it surely loses less than this share of what it lost when it was found."""
LEARNT_HOURS = 72.0
"""Hours without news after which a change of demand, a wrong model or the unknown counts as learnt."""
LOOSE = 0.1
"""Share of the first doubt that comes back when the twin must learn the network anew."""
FIRST_TEMPER = 1.5
TEMPER_HOURS = 96.0
"""How long the restlessness of healthy days is remembered."""
SETTLE_HOURS = 6.0
"""Hours after a leak was found in which its size and place settle, and nothing else is looked for."""
REFINE_HOURS = 24.0
"""Hours for which a case gathers evidence."""


@dataclass(frozen=True, eq=False)
class Case:
    """Something wrong that is not over.

    Args:
        number: of the finding, from 1.
        kind: the cause that was likeliest when it was opened.
        element: the likeliest element: pipe, valve, sensor, zone; "" when unknown.
        onset, opened, renewed: when it began, was found, and was found again; microseconds since 1970 UTC.
        evidence: of its onset alone; empty once no more is gathered.
        places: of a leak: where it may be; empty for others.
        isolated: row of `Model.compared` that is not assimilated, -1 for none.
        verdict: of the last cycle in which evidence was gathered.
        confirmed: whether a person has; a leak then ends by its repair or by a person, not because less of it is seen.
    """

    number: int
    kind: str
    element: str
    onset: int
    opened: int
    renewed: int
    evidence: Evidence
    places: Places
    isolated: int
    verdict: Verdict
    confirmed: bool = False


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What diagnosis remembers.

    Args:
        watch: evidence since the last case was opened.
        suspicion: log odds that something new is wrong, after the last cycle.
        doubtful: hours for which something has seemed wrong and nothing was called so.
        persisted: hours (or longer cycles) in a row in which the same kind was called wrong, and that kind.
        suspect: that kind, "" for none.
        cases: open ones, in the order of opening; their leaks are the belief's, in this order.
        opened: how many were ever opened.
        temper: restlessness of healthy days, at least 1: what all evidence is divided by.
    """

    watch: Evidence
    suspicion: float
    doubtful: float
    persisted: int
    suspect: str
    cases: tuple[Case, ...]
    opened: int
    temper: float


@dataclass(frozen=True)
class Closing:
    """A case that is over.

    Args:
        number: of the finding.
        why: a stable word: `repaired`, `gone`, `learnt`, `person`.
    """

    number: int
    why: str


def first_diagnosis(model: Model) -> Diagnosis:
    """Before the first cycle."""
    return Diagnosis(_fresh(model, 0), -np.inf, 0.0, 0, "", (), 0, FIRST_TEMPER)


def leak_places(diagnosis: Diagnosis) -> list[Places]:
    """Where the leaks may be that were found."""
    return [case.places for case in diagnosis.cases if case.kind == "leak"]


def isolated(diagnosis: Diagnosis) -> Ints:
    """Rows of `Model.compared` that must not be assimilated."""
    return np.array([case.isolated for case in diagnosis.cases if case.isolated >= 0], dtype=np.int64)


def standing(diagnosis: Diagnosis) -> list[tuple[int, int]]:
    """What is known to be wrong: numbers of findings, and when each was last found."""
    return [(case.number, case.renewed) for case in diagnosis.cases]


def calm(diagnosis: Diagnosis) -> bool:
    """Whether the twin may learn: nothing new seems wrong, or has seemed so for long without becoming anything."""
    return diagnosis.suspicion < CALM or diagnosis.doubtful > PATIENCE_HOURS


def diagnose(
    model: Model,
    library: Library,
    diagnosis: Diagnosis,
    belief: Belief,
    update: Update,
    span: tuple[int, int],
    high: float,
) -> tuple[Diagnosis, Belief, list[Closing]]:
    """Looks at a surprise; opens, sharpens and closes cases.

    Args:
        model: the twin.
        library: of causes.
        diagnosis: after the cycle before.
        belief: after the update.
        update: what the filter did with the surprise.
        span: start and end of the cycle, microseconds since 1970 UTC.
        high: where the supply of this cycle lies between low (0) and high (1); see `Library.share_of_high`.
    """
    start, end = span
    hours = (end - start) / HOUR
    settling = any(case.kind == "leak" and end - case.opened < SETTLE_HOURS * HOUR for case in diagnosis.cases)
    watch = _fresh(model, len(belief.leak_size)) if settling else diagnosis.watch
    watch = gather(watch, update, start, high)
    temper = diagnosis.temper
    heard = [_still_heard(case, diagnosis, end) for case in diagnosis.cases]
    cases = tuple(_sharpened(library, case, update, span, high, temper) for case in heard)
    leaks = [case for case in cases if case.kind == "leak"]
    first_leak = parts(model)[3].start
    known = with_repairs(
        library, [_signature(library, case.places, model) for case in leaks], belief.mean[first_leak:].tolist()
    )
    verdict = judge(known, watch, end, temper)
    suspect = _suspect(known, verdict)
    wrong = verdict.log_odds > RAISE[suspect] and belief.age > LEARNING_HOURS and _worth_telling(known, verdict, suspect)
    persisted = (diagnosis.persisted + 1 if suspect == diagnosis.suspect else 1) if wrong else 0
    diagnosis = replace(
        diagnosis,
        watch=watch,
        suspicion=verdict.log_odds,
        doubtful=diagnosis.doubtful + hours if verdict.log_odds > CALM else 0.0,
        persisted=persisted,
        suspect=suspect if wrong else "",
        cases=cases,
        temper=_tempered(library, temper, verdict, watch, belief, span),
    )
    closings: list[Closing] = []
    if persisted >= PERSIST.get(suspect, 1):
        if suspect == "repair":
            diagnosis, belief, closings = _repaired(model, known, diagnosis, belief, verdict)
        else:
            diagnosis, belief = _opened(model, known, diagnosis, belief, verdict, suspect, end)
    diagnosis, belief, gone = _without_gone(model, diagnosis, belief)
    diagnosis, learnt = _without_learnt(diagnosis, end)
    return diagnosis, belief, closings + gone + learnt


def close(model: Model, diagnosis: Diagnosis, belief: Belief, number: int) -> tuple[Diagnosis, Belief, list[Closing]]:
    """Closes a case because a person said so; a leak leaves the filter, a sensor comes back with its offset open."""
    for case in diagnosis.cases:
        if case.number == number:
            diagnosis, belief = _dropped(model, diagnosis, belief, case)
            return diagnosis, loosened(model, belief, LOOSE), [Closing(number, "person")]
    return diagnosis, belief, []


def confirm(diagnosis: Diagnosis, number: int) -> Diagnosis:
    """Marks the case of a finding that a person has confirmed."""
    cases = tuple(replace(case, confirmed=True) if case.number == number else case for case in diagnosis.cases)
    return replace(diagnosis, cases=cases)


def _fresh(model: Model, n_leaks: int) -> Evidence:
    return no_evidence(parts(model)[3].start + n_leaks, len(model.compared))


def _suspect(library: Library, verdict: Verdict) -> str:
    """The likeliest cause."""
    place = int(np.argmax(verdict.by_kind))
    return library.kinds[place].cause if place < len(library.kinds) else "unknown"


def _worth_telling(library: Library, verdict: Verdict, suspect: str) -> bool:
    """Whether a suspect is large enough to be told from what no model knows."""
    if suspect not in ("leak", "sensor"):
        return True
    mine = np.array([kind.cause == suspect for kind in library.kinds])[library.kind]
    chance = np.where(mine, verdict.cause, 0.0)
    if suspect == "leak":
        return _size(verdict, chance)[0] > LEAST_LEAK * library.demand
    best = int(np.argmax(chance))
    usual = min(library.sd[place] for place in np.flatnonzero(mine) if library.element[place] == library.element[best])
    return bool(abs(verdict.size[best]) > LEAST_OFFSET * usual)


def _tempered(
    library: Library, temper: float, verdict: Verdict, watch: Evidence, belief: Belief, span: tuple[int, int]
) -> float:
    """Follows the restlessness of days on which nothing seems wrong."""
    if verdict.log_odds > CALM and belief.age > LEARNING_HOURS:
        return temper
    start, end = span
    seen = min(restlessness(library, watch, end), 4 * temper)
    return float(max(temper + (seen - temper) * min((end - start) / HOUR / TEMPER_HOURS, 1.0), 1.0))


def _still_heard(case: Case, diagnosis: Diagnosis, end: int) -> Case:
    """A case, without its evidence when what comes would not be its own.

    That is so after a day, when something else was found or seems wrong since, and of a sensor that is not listened to.
    """
    age = (end - case.opened) / HOUR
    other = any(later.number > case.number for later in diagnosis.cases)
    disturbed = age > SETTLE_HOURS and diagnosis.suspicion > CALM
    if age <= REFINE_HOURS and not other and not disturbed and case.isolated < 0:
        return case
    return replace(case, evidence=Evidence(**{name: table[:0] for name, table in vars(case.evidence).items()}))


def _sharpened(library: Library, case: Case, update: Update, span: tuple[int, int], high: float, temper: float) -> Case:
    """A case after one surprise more."""
    if not len(case.evidence):
        return case
    start, end = span
    evidence = gather(case.evidence, update, start, high, new_onset=False)
    verdict = judge(library, evidence, end, temper)
    if not verdict.cause.any():
        return replace(case, evidence=evidence)
    case = replace(case, evidence=evidence, verdict=verdict)
    return replace(case, places=_places(library, case)) if case.kind == "leak" else case


def _places(library: Library, case: Case) -> Places:
    """The likeliest pipes of a leak."""
    leak = np.array([kind.cause == "leak" for kind in library.kinds])[library.kind]
    chance = np.where(leak, case.verdict.cause, 0.0)
    best = np.argsort(-chance, kind="stable")[:CANDIDATES]
    best = best[chance[best] > 0]
    if not best.size:
        return case.places
    return Places(library.pipe[best], chance[best] / chance[best].sum())


def _signature(library: Library, places: Places, model: Model) -> Floats:
    """Of a leak that is at its candidates in parts; (2 * row,)."""
    column = {int(pipe): place for place, pipe in enumerate(library.pipe) if pipe >= 0}
    columns = [column[int(pipe)] for pipe in places.pipe]
    return np.asarray(library.signature[:, columns] @ places.probability)


def _opened(
    model: Model,
    library: Library,
    diagnosis: Diagnosis,
    belief: Belief,
    verdict: Verdict,
    kind: str,
    end: int,
) -> tuple[Diagnosis, Belief]:
    """A new case, and the belief that lives with it."""
    if kind == "leak" and len(belief.leak_size) >= MOST_LEAKS:
        kind = "unknown"  # so many leaks are no leaks
    at = int(np.argmax(verdict.onset))
    evidence = Evidence(**{name: table[at : at + 1] for name, table in vars(diagnosis.watch).items()})
    mine = np.array([row.cause == kind for row in library.kinds] + [False])[library.kind]
    chance = np.where(mine, verdict.cause, 0.0)
    best = int(np.argmax(chance)) if mine.any() else -1
    case = Case(
        number=diagnosis.opened + 1,
        kind=kind,
        element=library.element[best] if best >= 0 else "",
        onset=int(diagnosis.watch.onset[at]),
        opened=end,
        renewed=end,
        evidence=evidence,
        places=Places(np.zeros(0, dtype=np.int64), np.zeros(0)),
        isolated=-1,
        verdict=verdict,
    )
    follow = evidence.follow[0]
    cases = diagnosis.cases
    again = [old for old in cases if kind not in ("leak", "sensor") and (old.kind, old.element) == (kind, case.element)]
    young = (end - SAME_HOURS * HOUR, evidence.weight[0])
    if kind == "valve":
        again = again or [old for old in cases if old.kind == "valve" and _same_valve(library, old, case, young)]
    if kind == "leak":
        case = replace(case, places=_places(library, case))
        signature = _signature(library, case.places, model)
        again = [old for old in cases if old.kind == "leak" and _same_leak(library, model, old, case, signature, young)]
        size, sd = _size(verdict, chance)
        sd = max(sd, DOUBT * size)
    if kind == "leak" and again:
        belief = grown(model, belief, _leak_number(diagnosis, again[0]), follow @ signature, size, sd)
    elif kind == "leak":
        belief = with_leak(belief, follow @ signature, size, sd)
        learnt = signature @ evidence.weight[0] / (signature @ evidence.weight[0] @ signature + 1 / sd**2)
        follow = np.vstack((follow - np.outer(follow @ signature, learnt), learnt))
        case = replace(case, evidence=replace(evidence, follow=follow[None]))
        cases = tuple(replace(other, evidence=_widened(other.evidence)) for other in cases)
    elif kind == "sensor":
        row = int(np.flatnonzero(model.compared.sensor == model.sensors.index[case.element])[0])
        case = replace(case, isolated=row)
        belief = taken_back(belief, follow @ library.signature[:, best], verdict.size[best], verdict.size_sd[best])
    elif kind == "demand":
        zone = model.zones.ids.index(case.element)
        made = follow @ library.signature[:, best]
        made[zone] -= 1.0
        belief = taken_back(belief, made, verdict.size[best], verdict.size_sd[best])
        profile = belief.profile.copy()
        profile[zone] += verdict.size[best]
        belief = replace(belief, profile=profile)
    else:
        belief = loosened(model, belief, LOOSE)
    if again:  # the same as before: it goes on, it is not found twice
        cases = tuple(replace(old, verdict=verdict, renewed=end) if old is again[0] else old for old in cases)
    else:
        cases = (*cases, case)
    return replace(
        diagnosis,
        watch=_fresh(model, len(belief.leak_size)),
        suspicion=-np.inf,
        doubtful=0.0,
        persisted=0,
        suspect="",
        cases=cases,
        opened=diagnosis.opened + (not again),
    ), belief


def _same_leak(library: Library, model: Model, old: Case, new: Case, signature: Floats, young: tuple[float, Floats]) -> bool:
    """Whether a leak is one that was found before and has grown, or was thought to be elsewhere near by.

    Args:
        library, model: of the twin.
        old, new: two leaks.
        signature: of the new one; (2 * row,).
        young: since when the old one must have been opened to be taken for a near miss, and what weighs signatures.
    """
    if _overlap(old.places, new.places) > SAME_PLACE:
        return True
    since, weight = young
    return old.opened >= since and _likeness(_signature(library, old.places, model), signature, weight) > ALIKE


def _same_valve(library: Library, old: Case, new: Case, young: tuple[float, Floats]) -> bool:
    """Whether a valve is one that was found before, thought to be elsewhere near by; arguments as of `_same_leak`."""
    since, weight = young
    valves = [place for place, kind in enumerate(library.kind) if library.kinds[kind].cause == "valve"]
    first, second = (
        library.signature[:, next(place for place in valves if library.element[place] == case.element)] for case in (old, new)
    )
    return old.opened >= since and abs(_likeness(first, second, weight)) > ALIKE


def _likeness(one: Floats, other: Floats, weight: Floats) -> float:
    """Cosine of two signatures as the sensors see them."""
    return float(one @ weight @ other / np.sqrt((one @ weight @ one) * (other @ weight @ other)))


def _overlap(one: Places, other: Places) -> float:
    """How much of the probability of two sets of candidates is shared."""
    chance = dict(zip(one.pipe.tolist(), one.probability.tolist(), strict=True))
    return float(
        sum(min(chance.get(pipe, 0.0), p) for pipe, p in zip(other.pipe.tolist(), other.probability.tolist(), strict=True))
    )


def _size(verdict: Verdict, chance: Floats) -> tuple[float, float]:
    """Mean and sd of the size over all places where it may be."""
    share = chance / chance.sum()
    mean = float(share @ verdict.size)
    return mean, float(np.sqrt(share @ (verdict.size_sd**2 + (verdict.size - mean) ** 2)))


def _widened(evidence: Evidence) -> Evidence:
    """Evidence when the filter has one unknown more."""
    none = np.zeros((len(evidence), 1, evidence.follow.shape[2]))
    return replace(evidence, follow=np.concatenate((evidence.follow, none), axis=1))


def _narrowed(evidence: Evidence, unknown: int) -> Evidence:
    """Evidence when the filter has lost an unknown."""
    return replace(evidence, follow=np.delete(evidence.follow, unknown, axis=1))


def _repaired(
    model: Model, library: Library, diagnosis: Diagnosis, belief: Belief, verdict: Verdict
) -> tuple[Diagnosis, Belief, list[Closing]]:
    """The likeliest of the leaks that were found is over."""
    ends = np.array([kind.cause == "repair" for kind in library.kinds])[library.kind]
    best = int(np.argmax(np.where(ends, verdict.cause, -1.0)))
    at = int(np.argmax(verdict.onset))
    made = diagnosis.watch.follow[at] @ library.signature[:, best]
    leak = parts(model)[3].start + int(library.element[best])
    belief = taken_back(belief, made, float(verdict.size[best]), float(verdict.size_sd[best]))
    case = [case for case in diagnosis.cases if case.kind == "leak"][int(library.element[best])]
    assert leak < len(belief.mean)
    diagnosis, belief = _dropped(model, diagnosis, belief, case)
    return diagnosis, belief, [Closing(case.number, "repaired")]


def _without_gone(model: Model, diagnosis: Diagnosis, belief: Belief) -> tuple[Diagnosis, Belief, list[Closing]]:
    """Closes leaks that surely lose next to nothing by now, unless a person knows better."""
    closings = []
    for case in [case for case in diagnosis.cases if case.kind == "leak" and not case.confirmed]:
        number = _leak_number(diagnosis, case)
        place = parts(model)[3].start + number
        most = belief.mean[place] + 1.645 * np.sqrt(belief.covariance[place, place])
        if most < GONE * belief.leak_size[number]:
            diagnosis, belief = _dropped(model, diagnosis, belief, case)
            closings.append(Closing(case.number, "gone"))
    return diagnosis, belief, closings


def _without_learnt(diagnosis: Diagnosis, end: int) -> tuple[Diagnosis, list[Closing]]:
    """Closes what the twin has learnt to expect meanwhile."""
    over = [
        case
        for case in diagnosis.cases
        if case.kind in ("demand", "model", "unknown") and end - case.renewed > LEARNT_HOURS * HOUR
    ]
    rest = tuple(case for case in diagnosis.cases if case not in over)
    return replace(diagnosis, cases=rest), [Closing(case.number, "learnt") for case in over]


def _leak_number(diagnosis: Diagnosis, case: Case) -> int:
    """Which of the belief's leaks a case is."""
    return [other.number for other in diagnosis.cases if other.kind == "leak"].index(case.number)


def _dropped(model: Model, diagnosis: Diagnosis, belief: Belief, case: Case) -> tuple[Diagnosis, Belief]:
    """Without a case; the watch begins anew."""
    rest = tuple(other for other in diagnosis.cases if other.number != case.number)
    if case.kind == "leak":
        number = _leak_number(diagnosis, case)
        place = parts(model)[3].start + number
        belief = without_leak(model, belief, number)
        rest = tuple(replace(other, evidence=_narrowed(other.evidence, place)) for other in rest)
    if case.isolated >= 0:
        offset = parts(model)[2]
        column = offset.start + int(model.compared.offset[: case.isolated].sum())
        if model.compared.offset[case.isolated]:
            covariance = belief.covariance.copy()
            covariance[column, column] += 1.0
            belief = replace(belief, covariance=covariance)
    watch = _fresh(model, len(belief.leak_size))
    return replace(diagnosis, watch=watch, suspicion=-np.inf, doubtful=0.0, persisted=0, suspect="", cases=rest), belief


def causes_of(library: Library, verdict: Verdict) -> dict[str, float]:
    """Probability by cause, given that something is wrong."""
    found: dict[str, float] = {}
    for kind, share in zip([kind.cause for kind in library.kinds], verdict.by_kind, strict=False):
        found[kind] = found.get(kind, 0.0) + float(share)
    found["unknown"] = float(verdict.by_kind[-1])
    return found


def ranked(library: Library, verdict: Verdict, kind: str) -> Sequence[tuple[str, float]]:
    """Elements of a kind with their probabilities given that kind, likeliest first."""
    mine = np.array([row.cause == kind for row in library.kinds])[library.kind]
    chance = np.where(mine, verdict.cause[: len(library.kind)], 0.0)
    total = chance.sum()
    if not total > 0:
        return []
    by_element: dict[str, float] = {}
    for place in np.flatnonzero(chance):
        name = library.element[place]
        by_element[name] = by_element.get(name, 0.0) + float(chance[place] / total)
    return sorted(by_element.items(), key=lambda pair: -pair[1])
