"""Every endpoint says who may ask it, and the door holds it to that."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.web.laboratory import PEOPLE, Person
from web.policy import FOREIGN, Anyone, policy_of
from xbt.domain.people import Actor
from xbt.security.policy import Permission, allows

NUMBERS = ("sample_id", "analysis_id", "acquisition_id", "reading_id", "signal_id", "alert_id", "number")
VALUES = dict.fromkeys(NUMBERS, 1)
TEXTS = {"name": "chromatogram", "filename": "xbt.css", "language": "en", "kind": "strip"}


def address(app: Flask, rule: Rule) -> str:
    values = {name: {**VALUES, **TEXTS}[name] for name in rule.arguments}
    with app.test_request_context():
        return app.url_map.bind("localhost").build(rule.endpoint, values, force_external=False)


def test_every_endpoint_declares_a_policy(app: Flask) -> None:
    silent = [rule.endpoint for rule in app.url_map.iter_rules() if policy_of(app, rule.endpoint) is None]
    assert silent == []


def test_no_policy_is_declared_for_an_endpoint_that_is_gone(app: Flask) -> None:
    assert set(FOREIGN) <= set(app.view_functions)


def test_only_the_pages_of_a_sign_in_are_public_under_staff(app: Flask) -> None:
    public = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/staff") and policy_of(app, rule.endpoint) is Anyone.PUBLIC
    }
    assert public == {"security.login", "security.logout", "staff.choose_language"}


def test_an_endpoint_without_a_policy_answers_nobody(app: Flask, visit: Callable[[str], Person]) -> None:
    manager = visit("manager")
    app.view_functions["staff.work_list"] = lambda: "all of it"
    assert manager.get("/staff/samples").status_code == 403


def test_nobody_reaches_a_staff_page_without_an_account(app: Flask) -> None:
    person = Person.at(app)
    for rule in app.url_map.iter_rules():
        if policy_of(app, rule.endpoint) is Anyone.PUBLIC:
            continue
        if "GET" in (rule.methods or ()):
            answer = person.get(address(app, rule))
            assert answer.status_code == 302, rule
            assert answer.headers["Location"].startswith("/staff/login"), rule


@pytest.mark.parametrize("name", PEOPLE)
def test_each_role_reaches_what_the_table_gives_it(
    name: str, app: Flask, visit: Callable[[str], Person]
) -> None:
    person = visit(name)
    actor = Actor(1, name, frozenset({PEOPLE[name]}))
    app.config["WTF_CSRF_ENABLED"] = False  # the door stands before it; see test_sign_in for the token
    for rule in app.url_map.iter_rules():
        policy = policy_of(app, rule.endpoint)
        if not isinstance(policy, Permission):
            continue
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        answer = person.client.open(address(app, rule), method=method)
        assert (answer.status_code == 403) is not allows(actor, policy), (rule, answer.status_code)
