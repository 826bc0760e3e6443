"""The life of a sample, as a table of allowed steps.

A sample is *received*, goes *in analysis* with its first file, is *proposed* when a technician submits
findings, *signed* by a second person, *released* to the ticket. A released result is never edited: it is
*withdrawn* (the ticket then says so), or *amended*: a new version is made while the released one stays
readable until the new one is released in its place.
"""

from __future__ import annotations

from enum import StrEnum

from xbt.domain.errors import StepRefused


class SampleState(StrEnum):
    RECEIVED = "received"
    IN_ANALYSIS = "in_analysis"
    PROPOSED = "proposed"
    SIGNED = "signed"
    RELEASED = "released"
    AMENDING = "amending"  # a released or withdrawn result is being corrected
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What somebody does to a sample."""

    ANALYSE = "analyse"
    SUBMIT = "submit"
    RETURN = "return"  # a proposal or a signature goes back to the technician, with a reason
    SIGN = "sign"
    RELEASE = "release"
    WITHDRAW = "withdraw"
    AMEND = "amend"


_S = SampleState
STEPS: dict[tuple[SampleState, Step], SampleState] = {
    (_S.RECEIVED, Step.ANALYSE): _S.IN_ANALYSIS,
    (_S.IN_ANALYSIS, Step.ANALYSE): _S.IN_ANALYSIS,
    (_S.IN_ANALYSIS, Step.SUBMIT): _S.PROPOSED,
    (_S.PROPOSED, Step.RETURN): _S.IN_ANALYSIS,
    (_S.PROPOSED, Step.SIGN): _S.SIGNED,
    (_S.SIGNED, Step.RETURN): _S.IN_ANALYSIS,
    (_S.SIGNED, Step.RELEASE): _S.RELEASED,
    (_S.RELEASED, Step.WITHDRAW): _S.WITHDRAWN,
    (_S.RELEASED, Step.AMEND): _S.AMENDING,
    (_S.WITHDRAWN, Step.AMEND): _S.AMENDING,
    (_S.AMENDING, Step.ANALYSE): _S.AMENDING,
    (_S.AMENDING, Step.WITHDRAW): _S.WITHDRAWN,
    (_S.AMENDING, Step.SUBMIT): _S.PROPOSED,
}


def after(state: SampleState, step: Step) -> SampleState:
    """The state that follows.

    Raises
    ------
    StepRefused : code ``not_now`` with fields ``state`` and ``step``.
    """
    try:
        return STEPS[state, step]
    except KeyError:
        raise StepRefused("not_now", state=state.value, step=step.value) from None


def open_steps(state: SampleState) -> frozenset[Step]:
    """Every step this state allows, whoever may take it."""
    return frozenset(step for (source, step) in STEPS if source is state)
