"""What happens in the audience becomes events; a new endpoint gets its ``ping``. Rows made in bulk raise no events."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from allegro.audience.models import Member
from allegro.webhooks.events import MEMBER_CREATED, PING, member_resource
from allegro.webhooks.models import Endpoint
from allegro.webhooks.publishing import publish, publish_to


@receiver(post_save, sender=Member)
def tell_of_new_member(sender: type[Member], instance: Member, created: bool, raw: bool, **kwargs: Any) -> None:
    if created and not raw:
        publish(instance.organization, MEMBER_CREATED, member_resource(instance), instance)


@receiver(post_save, sender=Endpoint)
def ping_new_endpoint(sender: type[Endpoint], instance: Endpoint, created: bool, raw: bool, **kwargs: Any) -> None:
    if created and not raw and instance.active:
        publish_to([instance], instance.organization, PING, {"description": instance.description})
