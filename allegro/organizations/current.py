"""Which organization a request is for."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.http.request import split_domain_port
from django.utils.translation import gettext

from allegro.organizations.models import Organization


class UnknownOrganization(Exception):
    """No organization fits the request; the message is for the person who asks."""


def current_organization(request: HttpRequest) -> Organization:
    """The organization of the request's host; else the one named by ``organization`` (its slug); else the only one.

    In ``local`` the first one made stands in when several fit, so that a demo needs no host names.

    Raises:
        UnknownOrganization: none fits.
    """
    host, _ = split_domain_port(request.get_host())
    if found := Organization.objects.filter(domain__iexact=host).exclude(domain="").first():
        return found
    slug = request.POST.get("organization") or request.GET.get("organization")
    if slug:
        named = Organization.objects.filter(slug=slug).first() if slug.isprintable() else None
        if named is None:
            raise UnknownOrganization(gettext("There is no organization {name} here.").format(name=repr(slug[:50])))
        return named
    first_two = list(Organization.objects.order_by("pk")[:2])
    if len(first_two) == 1 or (first_two and settings.IS_LOCAL):
        return first_two[0]
    if first_two:
        raise UnknownOrganization(
            gettext("This address belongs to no organization; use the address your organization gave you.")
        )
    raise UnknownOrganization(gettext("There is no organization yet; staff can add one in the admin site."))
