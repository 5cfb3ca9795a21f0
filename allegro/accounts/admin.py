from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy, ngettext

from allegro.accounts.models import StaffLink, User
from allegro.accounts.rights_field import RightsField
from allegro.accounts.sign_in import request_link
from allegro.accounts.super_admins import why_not_super_admin
from allegro.history import HistoryAdmin
from allegro.mailed_links import TooManyRequests
from allegro_queue.errors import QueueUnavailable

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class UserAddForm(AdminUserCreationForm):
    class Meta(AdminUserCreationForm.Meta):
        model = User
        fields = ("email", "name")
        field_classes: ClassVar[dict[str, Any]] = {}  # Django's own form declares one for a user name


class UserEditForm(UserChangeForm):
    class Meta(UserChangeForm.Meta):
        model = User
        field_classes: ClassVar[dict[str, Any]] = {}


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    """Staff accounts. Only a superuser may give rights or touch another superuser, or else anybody could become one."""

    add_form = UserAddForm
    form = UserEditForm
    list_display = ("email", "name", "is_staff", "verified", "super_admin", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active", ("email_verified_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "name")
    ordering = ("email",)
    readonly_fields = ("verification", "super_admin_state", "last_login", "created_at")
    actions = ("mail_sign_in_link",)
    fieldsets = (
        (None, {"fields": ("email", "password", "name")}),
        (gettext_lazy("State"), {"fields": ("is_active", "verification", "super_admin_state")}),
        (gettext_lazy("Rights"), {"fields": RIGHTS}),
        (gettext_lazy("Times"), {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    @admin.display(boolean=True, description=gettext_lazy("verified"))
    def verified(self, user: User) -> bool:
        return user.is_email_verified

    @admin.display(boolean=True, description=gettext_lazy("super admin"))
    def super_admin(self, user: User) -> bool:
        return not why_not_super_admin(user)

    @admin.display(description=gettext_lazy("e-mail verification"))
    def verification(self, user: User) -> str:
        if user.is_email_verified:
            return gettext("Verified on {day} at {time} UTC.").format(
                day=f"{user.email_verified_at:%Y-%m-%d}", time=f"{user.email_verified_at:%H:%M}"
            )
        if user.verified_email and user.verified_email != user.email:
            text = gettext("Not verified: {address} was, and the address has changed since.")
            return text.format(address=user.verified_email)
        return gettext(
            "Not verified. Signing in by a mailed link verifies it; the action 'Mail a sign-in link' sends one."
        )

    @admin.display(description=gettext_lazy("super admin"))
    def super_admin_state(self, user: User) -> str:
        return why_not_super_admin(user) or gettext("Yes: this account may see Horizon.")

    @admin.action(description=gettext_lazy("Mail a sign-in link"), permissions=["change"])
    def mail_sign_in_link(self, request: HttpRequest, users: QuerySet[User]) -> None:
        """The same mail that the person could ask for, and as often; using it verifies the address."""
        wanting = [user for user in users if user.is_active and user.is_staff]
        queued, too_soon = 0, 0
        try:
            for user in wanting:
                try:
                    request_link(user.email.lower(), "", timezone.now())
                except TooManyRequests:
                    too_soon += 1
                else:
                    queued += 1
        except QueueUnavailable as error:
            self.message_user(
                request, gettext("Not every link was queued. {error}").format(error=error), messages.ERROR
            )
            return
        left_out = len(users) - len(wanting)
        told = [ngettext("{n} sign-in link queued.", "{n} sign-in links queued.", queued).format(n=queued)]
        if left_out:
            text = ngettext(
                "{n} was left out: not active, or not staff.", "{n} were left out: not active, or not staff.", left_out
            )
            told.append(text.format(n=left_out))
        if too_soon:
            text = ngettext(
                "{n} had enough links in the last minutes.", "{n} had enough links in the last minutes.", too_soon
            )
            told.append(text.format(n=too_soon))
        self.message_user(request, " ".join(told), messages.SUCCESS if queued else messages.WARNING)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, **named_rights(db_field, kwargs))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_touch(request, obj)


def named_rights(field: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Arguments for a form's field, so that rights have their names in the reader's language."""
    return {**given, "form_class": RightsField} if field.related_model is Permission else given


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """Groups as Django has them, with rights by their names."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any) -> Any:
        return super().formfield_for_manytomany(db_field, request, **named_rights(db_field, kwargs))


def is_superuser(request: HttpRequest) -> bool:
    return bool(getattr(request.user, "is_superuser", False))


def may_touch(request: HttpRequest, user: User | None) -> bool:
    """Whether the one who asks has every right that this account has."""
    return user is None or not user.is_superuser or is_superuser(request)


@admin.register(StaffLink)
class StaffLinkAdmin(HistoryAdmin):
    list_display = ("email", "requested_at", "sent_at", "used_at", "voided_at", "expires_at")
    list_filter = (("sent_at", admin.EmptyFieldListFilter), ("used_at", admin.EmptyFieldListFilter))
    search_fields = ("email",)
    date_hierarchy = "requested_at"
    exclude = ("token_hash", "network")
