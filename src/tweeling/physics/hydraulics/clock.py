"""The clock of an extended period: whole seconds, one clock a member.

A step lasts until something changes that is known beforehand: the hydraulic step is over, a pattern moves on, a report is
due. Tanks, controls and rules (in their own modules) may end it sooner. All rules are EPANET 2.3's (`hydraul.c`,
`timestep`), with one oddity kept: the time of the next pattern period ignores the pattern's start, so that with a start that
is no multiple of the pattern step the multipliers move on up to one hydraulic step late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tweeling.errors import InputError
from tweeling.network.network import Ints, Times

DAY = 86400


@dataclass(frozen=True)
class Clock:
    """The file's times in seconds, with EPANET's adjustments made.

    Args:
        hydraulic_step: the longest step; never above the pattern step and the report step.
        pattern_step, pattern_start: as in the file.
        report_step: seconds between reports.
        report_offset: where in a report step the reports fall; 0 unless the report start is no multiple of the step.
        rule_step: seconds between evaluations of the rules; never above the hydraulic step.
        start_clock: seconds since midnight at time 0.
    """

    hydraulic_step: int
    pattern_step: int
    pattern_start: int
    report_step: int
    report_offset: int
    rule_step: int
    start_clock: int

    @staticmethod
    def of(times: Times) -> Clock:
        """The clock that a file asks for."""
        pattern_step = max(times.pattern_step, 1)
        report_step = times.report_step or pattern_step
        hydraulic_step = max(min(times.hydraulic_step, pattern_step, report_step), 1)
        return Clock(
            hydraulic_step=hydraulic_step,
            pattern_step=pattern_step,
            pattern_start=times.pattern_start,
            report_step=report_step,
            report_offset=times.report_start % report_step,
            rule_step=min(times.rule_step or max(hydraulic_step // 10, 1), hydraulic_step),
            start_clock=times.start_clock,
        )

    def period(self, time: Ints) -> Ints:
        """Number of pattern steps that have passed; (member,)."""
        return (time + self.pattern_start) // self.pattern_step

    def of_day(self, time: Ints) -> Ints:
        """Seconds since midnight; (member,)."""
        return (time + self.start_clock) % DAY

    def regular_step(self, time: Ints) -> Ints:
        """Seconds until the hydraulic step, the pattern or the report ends a step; (member,)."""
        to_report = self.report_step - (time - self.report_offset) % self.report_step
        to_pattern = (self.period(time) + 1) * self.pattern_step - time
        # Not positive only when the pattern start exceeds the pattern step; EPANET then does not look at it either.
        to_pattern[to_pattern <= 0] = self.hydraulic_step
        return np.asarray(np.minimum(np.minimum(to_report, to_pattern), self.hydraulic_step))


LONGEST = 1e6
"""Hours: no run is longer."""


def duration_of(hours: float) -> int:
    """How long a run is, s.

    Raises:
        InputError: no number of hours from 0 to `LONGEST`.
    """
    if not isinstance(hours, int | float | np.number) or not 0 <= hours <= LONGEST:
        raise InputError(f"hours is {hours!r}; it must be a number from 0 to {LONGEST:,.0f}")
    return round(hours * 3600)


def report_times(times: Times, duration: int) -> Ints:
    """Seconds at which a run reports; a report start after the end counts as 0; (time,)."""
    start = times.report_start if times.report_start <= duration else 0
    return np.arange(start, duration + 1, Clock.of(times).report_step, dtype=np.int64)
