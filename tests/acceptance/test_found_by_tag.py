"""Every job of the product is found by what it is about: while it waits on the job list, and in history once it has run."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer
from redis import Redis

from allegro.audience.models import Member
from allegro.audience.queueing import queue_ask_again, queue_evaluation, queue_members
from allegro.audience.warming import warm_ahead
from allegro.magic_links import links
from allegro.magic_links.models import MailTemplate
from allegro.mail_accounts.models import MailAccount
from allegro.organizations.models import Organization
from allegro_queue.history.filters import Filter
from allegro_queue.history.run_pages import find_runs
from tests.support.eventually import eventually
from tests.support.hooks import an_endpoint
from tests.support.mail_sink import mail_sink
from tests.support.people import a_member, an_account, an_organization, staff
from tests.support.running import running
from tests.support.sources import Crm, serving

ABOUT_A_MEMBER = {"sync_member", "prewarm_profile", "deliver"}
OF_A_PROVIDER = {"sync_member", "prewarm_profile", "continue_round", "ask_again"}
QUEUED = {
    "send_magic_link",
    "send_test_mail",
    "send_account_test",
    "prewarm_profile",
    "deliver",
    "evaluate_organization",
    "ask_again",
    "sync_member",
}
ALL = QUEUED | {"continue_round"}


def waiting(tag: str) -> set[str]:
    """Names of the jobs on the list that wait and have the tag."""
    page = Client().get("/horizon/jobs/", {"state": "waiting", "tag": tag})
    assert page.status_code == 200
    return {each for each in ALL if f".{each}" in page.text or f">{each}<" in page.text}


def ended(wanted: Filter) -> set[str]:
    """Names of the jobs that history finds."""
    return {run.name.rpartition(".")[2] for run in find_runs(wanted).rows}


def queue_everything(news: Organization, ada: Member, source: str) -> None:
    """One job of each kind, as the product itself queues it."""
    account = an_account(
        news,
        f"{source}/people/{{email}}",
        list_url=f"{source}/people",
        read_list=True,
        max_login_age_minutes=10,
    )
    boss = staff("boss@alley.com", is_superuser=True)
    browser = Client()
    browser.force_login(boss)
    template = MailTemplate.objects.create(organization=news, subject="In", text="{% sign_in_link %}")
    way_out = MailAccount.objects.create(organization=news, service="smtp", host="127.0.0.1", port=1, enabled=False)
    for page, row in (("magic_links/mailtemplate", template), ("mail_accounts/mailaccount", way_out)):
        chosen = {"action": "send_test", "_selected_action": [row.pk]}
        assert browser.post(f"/admin/{page}/", chosen).status_code == 302
    links.request_link(news, ada.email, "", timezone.now())
    assert warm_ahead(ada)
    queue_members(account, [ada.pk])
    queue_ask_again(account)
    queue_evaluation(news.pk)


@pytest.mark.django_db(transaction=True)
def test_every_job_is_found_by_organization_member_provider_and_tenant(redis: Redis, httpserver: HTTPServer):
    httpserver.expect_request("/hook", method="POST").respond_with_data("thanks")
    crm = Crm(people={"ada@example.com": {"level": "patron"}})
    news, other = an_organization(), an_organization("elsewhere")
    with serving(crm), mail_sink() as sink:
        an_endpoint(news, httpserver.url_for("/hook"))
        ada = a_member(news)
        queue_everything(news, ada, crm.url)

        assert waiting(f"organization:{news.pk}") == QUEUED
        assert waiting(f"member:{ada.pk}") == ABOUT_A_MEMBER
        assert waiting("provider:json-profile") == OF_A_PROVIDER & QUEUED
        assert waiting(f"organization:{other.pk}") == set()

        environment = {
            "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
            "EMAIL_URL": f"smtp://127.0.0.1:{sink.port}",
        }
        with running("horizon", **environment) as horizon:
            of_news = Filter(tag=f"organization:{news.pk}")
            eventually(lambda: ended(of_news) == ALL, within=60, explain=lambda: f"{ended(of_news)}\n{horizon.said()}")

    assert ended(Filter(tenant=str(news.pk))) == ALL
    assert ended(Filter(tag=f"member:{ada.pk}")) == ABOUT_A_MEMBER
    assert ended(Filter(tag="provider:json-profile")) == OF_A_PROVIDER
    assert ended(Filter(tag="magic-link")) == {"send_magic_link"}
    assert ended(Filter(tag="event:audience_member.created")) == {"deliver"}
    assert ended(Filter(tag=f"organization:{other.pk}")) == ended(Filter(tenant=str(other.pk))) == set()
    # All succeeded but the one that has no server to go through.
    assert ended(Filter(tag=f"organization:{news.pk}", outcomes=("failed",))) == {"send_account_test"}
    page = Client().get("/horizon/jobs/", {"state": "finished", "tag": f"member:{ada.pk}"})
    assert page.status_code == 200
    assert "deliver" in page.text
