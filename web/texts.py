"""Codes of the record as words for people. Stored are codes; this is where they become a language.

Every table maps a stable code to a lazily translated text; what is not in a table is shown as a plain
general sentence, never as the code's or an exception's own text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _l

from alerts.lifecycle import AlertState, SignalState
from alerts.rules import Likelihood, Rule
from alerts.tables import Severity
from library.answer import Decision
from web.locale import say as _
from xbt.domain.errors import Refused
from xbt.domain.findings import Amount, Category, Certainty
from xbt.domain.people import Role
from xbt.domain.readings import Lines, ReadingKind
from xbt.domain.samples import Form, Reason, Use
from xbt.domain.states import SampleState, Step
from xbt.domain.witnesses import Stance
from xbt.services.acquisitions import shown_name

STATES = {
    SampleState.RECEIVED: _l("Received"),
    SampleState.IN_ANALYSIS: _l("In analysis"),
    SampleState.PROPOSED: _l("To be signed"),
    SampleState.SIGNED: _l("To be released"),
    SampleState.RELEASED: _l("Released"),
    SampleState.AMENDING: _l("Being corrected"),
    SampleState.WITHDRAWN: _l("Withdrawn"),
}
STATE_TONE = {
    SampleState.PROPOSED: "warn",
    SampleState.SIGNED: "warn",
    SampleState.RELEASED: "go",
    SampleState.AMENDING: "warn",
    SampleState.WITHDRAWN: "alert",
}
FORMS = {
    Form.POWDER: _l("powder"),
    Form.TABLET: _l("tablet"),
    Form.CRYSTAL: _l("crystal"),
    Form.CAPSULE: _l("capsule"),
    Form.LIQUID: _l("liquid"),
    Form.BLOTTER: _l("blotter"),
    Form.PLANT: _l("plant material"),
    Form.RESIDUE: _l("residue"),
    Form.OTHER: _l("something else"),
}
USES = {
    Use.NOT_YET: _l("not yet taken"),
    Use.TAKEN: _l("already taken"),
    Use.NOT_SAID: _l("not said"),
}
REASONS = {
    Reason.CHECK: _l("to know what it is before use"),
    Reason.UNEXPECTED_EFFECT: _l("effects were not as expected"),
    Reason.ADVERSE_EVENT: _l("somebody was unwell"),
    Reason.NEW_PRODUCT: _l("new product or new source"),
    Reason.NOT_SAID: _l("not said"),
}
ROLES = {
    Role.TECHNICIAN: _l("Technician"),
    Role.WORKER: _l("Harm-reduction worker"),
    Role.COORDINATOR: _l("Coordinator"),
    Role.MANAGER: _l("Laboratory manager"),
}
DECISIONS = {
    Decision.IDENTIFIED: _l("one substance stands out"),
    Decision.GROUP: _l("one of a group this technique cannot separate"),
    Decision.FAMILY: _l("not named, but it resembles a known family"),
    Decision.ARTEFACT: _l("artefact of the instrument"),
    Decision.UNKNOWN: _l("not recognised"),
}
DECISION_TONE = {
    Decision.IDENTIFIED: "go",
    Decision.GROUP: "warn",
    Decision.FAMILY: "warn",
    Decision.UNKNOWN: "warn",
}
AMOUNTS = {
    Amount.MAIN: _l("main part of what was detected"),
    Amount.MINOR: _l("smaller part"),
    Amount.TRACE: _l("trace"),
    Amount.NOT_TOLD: _l("amount not told by this method"),
}
CERTAINTIES = {
    Certainty.PRESUMPTIVE: _l("first indication"),
    Certainty.IDENTIFIED: _l("identified"),
    Certainty.CONFIRMED: _l("confirmed by two techniques"),
}
TECHNIQUES = {
    "gc_ms": _l("gas chromatography with mass spectrometry (GC-MS)"),
    "ms": _l("mass spectrometry"),
    "lc_ms": _l("liquid chromatography with mass spectrometry (LC-MS)"),
    "gc": _l("gas chromatography"),
    "lc": _l("liquid chromatography"),
    "ftir": _l("infrared (FTIR)"),
    "raman": _l("Raman"),
    "nmr": _l("nuclear magnetic resonance"),
    "uv": _l("ultraviolet spectrum"),
    "tlc": _l("thin-layer chromatography"),
    "strip": _l("test strip"),
    "colour": _l("colour test"),
    "unknown": _l("the file does not say how it was measured"),
}
# Names short enough for a table; a technique that is not here keeps its long one.
SHORT_TECHNIQUES = {
    **TECHNIQUES,
    "gc_ms": _l("GC-MS"),
    "lc_ms": _l("LC-MS"),
    "ms": _l("MS"),
    "ftir": _l("infrared"),
    "uv": _l("UV"),
    "tlc": _l("TLC"),
    "lc": _l("LC"),
}
CATEGORIES = {
    Category.A: _l("A: shows the structure"),
    Category.B: _l("B: separates or compares with a standard"),
    Category.C: _l("C: indicates, never names"),
}
GUIDELINES = {"eu_2002_657": _l("EU 2002"), "eu_2021_808": _l("EU 2021"), "wada_td2010idcr": _l("WADA")}
READING_KINDS = {
    ReadingKind.COLOUR: _l("Colour test"),
    ReadingKind.STRIP: _l("Test strip"),
    ReadingKind.PLATE: _l("Thin-layer plate"),
    ReadingKind.LIQUID: _l("Liquid chromatography with UV"),
}
STRIP_LINES = {
    Lines.CONTROL: _l("one line, the control: positive"),
    Lines.FAINT: _l("two lines, the second one faint: negative, near the limit"),
    Lines.BOTH: _l("two lines: negative"),
    Lines.NO_CONTROL: _l("no control line: invalid"),
}
VIEWS = {"uv254": _l("UV 254 nm"), "uv366": _l("UV 366 nm")}
# What is wrong in a reading: codes of `xbt.domain.errors.InvalidReading`.
READING_PROBLEMS = {
    "missing": _l("Please fill this in."),
    "too_long": _l("Please keep this under %(limit)s characters."),
    "unprintable": _l("Please use letters, figures and signs only."),
    "not_above_zero": _l("Please give a number above zero."),
    "no_colour": _l("Please choose at least one colour from the list; “no colour” is one."),
    "no_time": _l("Please give seconds as a number from 0 to 86,400, or leave it empty."),
    "no_strip": _l("Please choose a strip from the list."),
    "no_substance": _l("“%(name)s” is not in the substance table. Choose a name from the list."),
    "no_standard": _l("A plate needs at least one standard beside the sample."),
    "standard_twice": _l("A standard may have one spot only; with two it has decomposed: run a fresh one."),
    "too_many_spots": _l("A plate holds at most %(limit)s spots here."),
    "beyond_the_front": _l("A spot lies between the start and the front, in mm from the start."),
    "bad_spectrum": _l(
        "Please paste three columns of numbers, 10 to 1,000 lines, wavelengths ascending and at least 60 nm "
        "above 220 nm."
    ),
    "other_kind": _l("A correction is of the same kind as the reading it replaces."),
}
# What an analysis or a reading says of a substance.
STANCES = {
    Stance.ACCEPTED: _l("found"),
    Stance.PENDING: _l("best candidate, to decide"),
    Stance.REJECTED: _l("rejected"),
    Stance.AGREES: _l("fits it"),
    Stance.OTHERWISE: _l("looks otherwise than it should"),
    Stance.NOT_SEEN: _l("not found, and it could have been"),
    Stance.COULD_NOT_SEE: _l("says nothing of it"),
}
# Why an analysis or a reading says nothing of a substance: values of `library.scopes.Blind`, and others.
WHY_NOT_SEEN = {
    "technique": _l("a negative of this technique excludes nothing"),
    "kind": _l("it does not show this kind of substance"),
    "little": _l("there may be too little of it for this technique"),
    "other_candidate": _l("it stands among the candidates of another component"),
    "names_nothing": _l("nothing in it could be named"),
    "not_compared": _l("no standard of it was run"),
    "no_colour_known": _l("no colour of it is on record"),
    "masked": _l("another substance found here explains the colour"),
    "not_target": _l("the strip is not made for it"),
    "cross_reacts": _l("it can make this strip positive itself"),
    "strip_blind": _l("strips of this kind were shown to miss it"),
    "strip_unproven": _l("negative, but no study tells from how much on it shows this one"),
    "invalid": _l("the strip did not work"),
}
# Values of `library.roles.Role`: a proposal.
PRODUCT_ROLES = {
    "active": _l("probably active"),
    "cut": _l("probably a cut"),
    "precursor": _l("probably a starting material"),
    "by_product": _l("probably a by-product"),
    "metabolite": _l("probably a metabolite or breakdown product"),
    "artefact": _l("probably made by the instrument"),
    "unknown": _l("role not known"),
}
STEP_NAMES = {
    Step.SUBMIT: _l("Submit for signature"),
    Step.SIGN: _l("Sign"),
    Step.RELEASE: _l("Release to the ticket"),
    Step.RETURN: _l("Send back"),
    Step.WITHDRAW: _l("Withdraw"),
    Step.AMEND: _l("Correct"),
    Step.ANALYSE: _l("Analyse"),
}
# Why a button is grey: codes of `xbt.services.guards`.
WHY_NOT = {
    "not_allowed": _l("Your role does not include this step."),
    "not_now": _l("The sample is not at this point."),
    "still_working": _l("A file is still being read."),
    "no_analysis": _l("No file has been analysed and nothing was read yet."),
    "undecided": _l("Some components await your decision."),
    "own_work": _l("You submitted this result; another person has to sign it."),
}
RULES = {
    Rule.WATCH_LIST: _l("on the watch list"),
    Rule.MISMATCH: _l("not what it was sold as"),
    Rule.ADULTERATION: _l("something active that does not belong"),
    Rule.FIRST_EVER: _l("never found before in the network"),
}
LEVELS = {
    Severity.INFORMATION: _l("Information"),
    Severity.CAUTION: _l("Caution"),
    Severity.WARNING: _l("Warning"),
}
LEVEL_TONE = {Severity.CAUTION: "warn", Severity.WARNING: "alert"}
LIKELIHOODS = {
    Likelihood.POSSIBLE: _l("first indication"),
    Likelihood.LIKELY: _l("identified by one method"),
    Likelihood.OBSERVED: _l("confirmed"),
}
SIGNAL_STATES = {
    SignalState.OPEN: _l("Open"),
    SignalState.DRAFTED: _l("Alert begun"),
    SignalState.DISMISSED: _l("Set aside"),
    SignalState.SUPERSEDED: _l("No longer shown by the result"),
    SignalState.WITHDRAWN: _l("Result withdrawn"),
}
ALERT_STATES = {
    AlertState.DRAFT: _l("Draft"),
    AlertState.APPROVED: _l("Approved"),
    AlertState.PUBLISHED: _l("Published"),
    AlertState.EXPIRED: _l("Ended"),
    AlertState.SUPERSEDED: _l("Replaced"),
    AlertState.WITHDRAWN: _l("Alert withdrawn"),
    AlertState.DISCARDED: _l("Dropped"),
}
ALERT_TONE = {
    AlertState.DRAFT: "warn",
    AlertState.APPROVED: "warn",
    AlertState.PUBLISHED: "go",
    AlertState.WITHDRAWN: "alert",
}
# Why a rule fired: codes of `alerts.rules`.
BECAUSE = {
    "sold_as_absent": _l("What it was sold as was not found."),
    "one_of": _l("The method cannot tell which one of a group it is."),
    "adverse_event": _l("Somebody was unwell."),
    "possibly_seen": _l("It may have been seen before, as one of a group."),
}
# Why an alert's button is grey: codes of `alerts.editorial`.
WHY_NOT_ALERT = {
    "not_allowed": _l("Your role does not include this step."),
    "not_now": _l("The alert is not at this point."),
    "same_person": _l("You wrote these words; another person has to approve them."),
    "evidence_changed": _l("The result behind it was corrected or withdrawn."),
}
# What the worker is doing: codes of `JobView.text_code`.
DOING = {
    "queued": _l("waiting for the worker"),
    "reading": _l("reading the file"),
    "identifying": _l("looking for components"),
    "deconvolving": _l("looking for components"),
    "searching": _l("comparing with the libraries"),
    "drawing": _l("drawing the figures"),
    "storing": _l("storing the answer"),
}
# Why a file could not be read: values of `spectra.errors.Fault`.
FAULTS = {
    "empty": _l("The file is empty."),
    "unknown_format": _l("No reader knows this kind of file."),
    "truncated": _l("The file ends too early; it was probably not copied to its end."),
    "malformed": _l("The file contradicts its own format."),
    "no_signal": _l("The file can be read but holds no measurement."),
    "unsupported": _l("This variant of the format is not read yet."),
    "too_large": _l("The file holds more than the limit allows."),
    "forbidden": _l(
        "The file contains something that a measurement never needs, so it was not opened further."
    ),
    "timed_out": _l("Reading took longer than allowed and was stopped."),
    "out_of_memory": _l("Reading needed more memory than allowed and was stopped."),
    "crashed": _l("The reader stopped unexpectedly on this file."),
}
# Why an analysis was given up although nothing is wrong with the file.
GIVEN_UP = {"bad_ladder": _l("The retention ladder kept for its GC method cannot be read.")}
REMEDIES = {
    "empty": _l("Export the run again and check its size before sending."),
    "unknown_format": _l(
        "Send the whole folder if the instrument wrote a folder; otherwise export the run as mzML or ANDI "
        "(.cdf), a spectrum as JCAMP-DX or CSV. “Formats that are read” has the table."
    ),
    "truncated": _l("Copy the file from the instrument again and send it once more."),
    "malformed": _l("Export it again, or in another format such as mzML."),
    "no_signal": _l("Check that the run was recorded and export it again."),
    "unsupported": _l("Export the run as mzML or ANDI (.cdf)."),
    "too_large": _l("Export a shorter range of the run, or ask the laboratory manager about the limit."),
    "forbidden": _l("Export it again from the instrument's own software."),
    "timed_out": _l("Try again; if it stays, export the run in another format."),
    "out_of_memory": _l("Export the run as centroids, or in another format."),
    "crashed": _l("Export the run in another format and tell the laboratory manager."),
}
# Why something asked for was not done: codes of `xbt.domain.errors`.
REFUSALS = {
    **WHY_NOT,
    "empty": _l("It is empty; nothing was stored. Copy it again from the instrument."),
    "too_large": _l(
        "This is larger than %(limit_mb)s MB; nothing was stored. Export a shorter run, or ask the "
        "laboratory manager about the limit."
    ),
    "bad_name": _l(
        "A name in this folder cannot be kept: %(part)s. Nothing of the folder was stored. Rename it, or "
        "send a zip of the folder."
    ),
    "same_name": _l(
        "Two files in this folder have the same name: %(part)s. Nothing of the folder was stored. Rename one."
    ),
    "too_deep": _l(
        "This folder goes more than %(limit)s folders deep: %(part)s. Nothing of it was stored. Choose the "
        "folder of the run itself."
    ),
    "too_many_files": _l(
        "This folder holds more than %(limit)s files; nothing of it was stored. Choose the folder of one run."
    ),
    "quota_user": _l(
        "You have sent as many files as one day allows; nothing was stored. Try again tomorrow."
    ),
    "quota_site": _l(
        "Your site has sent as many files as one day allows; nothing was stored. Try again tomorrow."
    ),
    "disk_full": _l(
        "The disk of the laboratory's server is nearly full; nothing was stored. Tell the manager."
    ),
    "ticket_expired": _l("This sample was taken in before and its ticket has expired."),
    "reason_needed": _l("Please give a reason."),
    "password_needed": _l("The password is not right; nothing was signed."),
    "same_person": _l("Two different people are needed: whoever drafted an alert does not approve it."),
    "reading_replaced": _l("This reading was corrected or taken back already."),
    "superseded": _l("A newer analysis of this file exists; decide on that one."),
    "unsigned": _l("This result is not signed."),
    "no_result": _l("There is no result yet."),
}


def refusal_sentence(error: Refused) -> str:
    """What a refusal means, in the language of the page."""
    if error.code == "undecided" and error.fields.get("components"):
        return _("These components await a decision: %(numbers)s.", numbers=error.fields["components"])
    sentence = str(REFUSALS.get(error.code) or _("This is not possible now. Reload the page and look again."))
    return sentence % _shown(error.fields) if "%(" in sentence else sentence


def _shown(fields: Mapping[str, str]) -> dict[str, str]:
    """Fields as a sentence may hold them: names of files come from outside."""
    return {key: shown_name(value)[:80] for key, value in fields.items()}


def fault_sentences(error: Mapping[str, str]) -> tuple[str, ...]:
    """Why a file could not be read and what to do, from the fields of `UnreadableFile.to_dict`."""
    fault = error.get("fault", "")
    known = {**FAULTS, **GIVEN_UP}
    lines = [known.get(fault) or _("Something unexpected happened while reading this file.")]
    if error.get("where"):
        lines.append(_("Place in the file: %(where)s.", where=error["where"]))
    lines.append(
        REMEDIES.get(fault) or _("The file is kept. Tell the laboratory manager; it will be looked at.")
    )
    return tuple(str(line) for line in lines)


def view_words(views: Iterable[str]) -> str:
    """Lamps and reagents of a plate in words."""
    return ", ".join(str(VIEWS.get(one, one)) for one in views)


TABLES: dict[str, Mapping[Any, Any]] = {
    "states": STATES,
    "state_tone": STATE_TONE,
    "forms": FORMS,
    "uses": USES,
    "reasons": REASONS,
    "roles": ROLES,
    "decisions": DECISIONS,
    "decision_tone": DECISION_TONE,
    "amounts": AMOUNTS,
    "certainties": CERTAINTIES,
    "techniques": TECHNIQUES,
    "short_techniques": SHORT_TECHNIQUES,
    "categories": CATEGORIES,
    "guidelines": GUIDELINES,
    "reading_kinds": READING_KINDS,
    "strip_lines": STRIP_LINES,
    "views": VIEWS,
    "stances": STANCES,
    "why_not_seen": WHY_NOT_SEEN,
    "product_roles": PRODUCT_ROLES,
    "step_names": STEP_NAMES,
    "why_not": WHY_NOT,
    "doing": DOING,
    "rules": RULES,
    "levels": LEVELS,
    "level_tone": LEVEL_TONE,
    "likelihoods": LIKELIHOODS,
    "signal_states": SIGNAL_STATES,
    "alert_states": ALERT_STATES,
    "alert_tone": ALERT_TONE,
    "because": BECAUSE,
    "why_not_alert": WHY_NOT_ALERT,
}


def install(app: Flask) -> None:
    """Give the templates of ``app`` the tables, and a filter for why a file could not be read."""
    app.jinja_env.globals["texts"] = TABLES
    app.jinja_env.filters.update(fault=fault_sentences, view_words=view_words)
