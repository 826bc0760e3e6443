"""What the demonstration prints: what was put in beside what was found, and how to get in."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from shutil import which

from rich.box import HORIZONTALS
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from sqlalchemy.orm import Session

import alerts.services as alerting
from library.answer import Component, Decision
from library.substances import load_substances
from web.demo.play import Stage
from web.demo.scenario import FileKind, SamplePlan, Until
from xbt.domain.findings import Finding
from xbt.domain.people import Role
from xbt.domain.samples import Ticket
from xbt.services import analyses, samples
from xbt.services.samples import SampleView

SIMULATED = "Everything here is simulated: no such site, no such person, no such sample, no instrument."


def summary(told: Stage, given: Mapping[str, Ticket]) -> Group:
    """The table, the signals, and the alert."""
    table = Table(
        title="Simulated samples", caption=SIMULATED, box=HORIZONTALS, show_lines=True, padding=(0, 1)
    )
    table.add_column("Sample", no_wrap=True)
    table.add_column("Sold as")
    table.add_column("Put in\n(simulated)", min_width=17, overflow="fold")
    table.add_column("Found", min_width=17, overflow="fold")
    table.add_column("Unex-\nplained", justify="right")
    with told.sessions() as session:
        for plan in told.scenario.sample:
            table.add_row(*_row(told, session, plan, given[plan.key].sample_id))
        return Group(table, *_signals(told, session))


def directions(told: Stage, given: Mapping[str, Ticket]) -> Group:
    """Addresses, logins and ticket codes. Only a demonstration can print them again."""
    base = told.settings.base_url
    people = Table("Role", "E-mail", "Password", title=f"Staff: {base}/staff/", title_justify="left")
    for account in told.scenario.account:
        people.add_row(account.role.value, account.email, told.access.passwords[account.email])
    codes = Table("Ticket", "Sample", "Sold as", title=f"Results: {base}/", title_justify="left")
    for plan in told.scenario.sample:
        ticket = given[plan.key]
        codes.add_row(ticket.code, ticket.reference, escape(plan.sold_as))
    files = _shown(told.settings.data_dir / "files")
    return Group(
        people,
        codes,
        f"Alerts: {base}/alerts",
        *_left_to_do(told, given),
        f"Instrument files: {files} (try: {_command()} identify {files}/cocaine-with-cuts.cdf)",
        "Passwords and codes can be printed again because this is a demonstration: nothing else stores them.",
    )


def _left_to_do(told: Stage, given: Mapping[str, Ticket]) -> list[str]:
    """What the story leaves for whoever looks at it."""
    todo = {
        Until.SUBMITTED: "to sign and release, as the manager",
        Until.ANALYSED: "to decide, as the technician",
    }
    return [
        f"Left for you {todo[plan.until]}: {told.settings.base_url}/staff/samples/{given[plan.key].sample_id}"
        for plan in told.scenario.sample
        if plan.until in todo and plan.file is not FileKind.CUT
    ]


def _row(told: Stage, session: Session, plan: SamplePlan, sample_id: int) -> tuple[str, ...]:
    view = samples.view(session, told.team[Role.MANAGER], sample_id)
    found, unexplained = _found(told, session, view)
    return (
        f"{view.reference}\n{escape(view.site.name.partition(',')[0])}\n{_state(view)}",
        escape(plan.sold_as),
        escape(_put_in(plan)),
        escape(found),
        unexplained,
        view.state.value.replace("_", " ")
        + (f" (version {len(view.results)})" if len(view.results) > 1 else ""),
    )


def _state(view: SampleView) -> str:
    version = f" (version {len(view.results)})" if len(view.results) > 1 else ""
    return view.state.value.replace("_", " ") + version


def _put_in(plan: SamplePlan) -> str:
    parts = sorted(plan.contains, key=lambda part: -part.share)
    broken = ["(the file is cut off)"] * (plan.file is FileKind.CUT)
    return "\n".join([f"{_english(part.substance)} {part.share:.0f}%" for part in parts] + broken)


def _english(key: str) -> str:
    substance = load_substances().by_key(key)
    return substance.name_en if substance else key


def _found(told: Stage, session: Session, view: SampleView) -> tuple[str, str]:
    """(what was found, share unexplained): from the result, else the analysis, else why there is none."""
    if view.results:
        result = view.results[-1]
        return "\n".join(map(_finding, result.findings)) or "nothing", f"{result.unexplained_share:.1%}"
    if view.analyses:
        answer = analyses.load(session, told.team[Role.MANAGER], told.store, view.analyses[-1].id)
        return f"{_named(answer.components)}\n(not decided yet)", f"{answer.unexplained_share:.1%}"
    for acquisition in view.acquisitions:
        if acquisition.job is not None and acquisition.job.error:
            return _unreadable(acquisition.job.error), ""
    return "no file yet", ""


def _finding(finding: Finding) -> str:
    return f"{' or '.join(finding.names)} {finding.area_share:.0%}"


def _named(components: Iterable[Component]) -> str:
    known = [c for c in components if c.decision in (Decision.IDENTIFIED, Decision.GROUP) and c.candidates]
    known.sort(key=lambda component: -component.area_share)
    return "\n".join(f"{' or '.join(c.candidates[0].isomer_group)} {c.area_share:.0%}" for c in known)


def _unreadable(error: Mapping[str, str]) -> str:
    where = f" at {error['where']}" if error.get("where") else ""
    return f"cannot be read: {error.get('fault', '').replace('_', ' ')}{where}"


def _signals(told: Stage, session: Session) -> list[str]:
    coordinator = told.team[Role.COORDINATOR]
    lines = [_signal(signal) for signal in alerting.signals(session, coordinator)]
    lines += [f"Published alert: {_title(alert)}" for alert in alerting.published(session, told.clock())]
    return [escape(line) for line in lines]


def _signal(signal: alerting.SignalView) -> str:
    rule = signal.rule.value.replace("_", " ")
    sold_as = f", sold as {_english(signal.sold_as)}" if signal.sold_as else ""
    found = _substances(signal.substances)
    return f"Signal ({signal.severity.value}): {rule}: {found}{sold_as}, {signal.region}"


def _substances(found: Iterable[alerting.Substances]) -> str:
    return ", ".join(" or ".join(one.names) for one in found)


def _title(alert: alerting.PublishedAlert) -> str:
    return (alert.texts.get("en") or next(iter(alert.texts.values()))).title


def _command() -> str:
    """The command as this person can type it: an environment need not be activated."""
    called = Path(sys.argv[0])
    return str(_shown(called.absolute())) if called.name == "xbt" and not which("xbt") else "xbt"


def _shown(path: Path) -> Path:
    """Relative to where the person stands, if it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
