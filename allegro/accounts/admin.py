from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from allegro.accounts.models import StaffLink, User
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
        ("State", {"fields": ("is_active", "verification", "super_admin_state")}),
        ("Rights", {"fields": RIGHTS}),
        ("Times", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("email", "name", "usable_password", "password1", "password2")}),
    )

    @admin.display(boolean=True, description="verified")
    def verified(self, user: User) -> bool:
        return user.is_email_verified

    @admin.display(boolean=True, description="super admin")
    def super_admin(self, user: User) -> bool:
        return not why_not_super_admin(user)

    @admin.display(description="e-mail verification")
    def verification(self, user: User) -> str:
        if user.is_email_verified:
            return f"Verified on {user.email_verified_at:%Y-%m-%d at %H:%M} UTC."
        if user.verified_email and user.verified_email != user.email:
            return f"Not verified: {user.verified_email} was, and the address has changed since."
        return "Not verified. Signing in by a mailed link verifies it; the action 'Mail a sign-in link' sends one."

    @admin.display(description="super admin")
    def super_admin_state(self, user: User) -> str:
        return why_not_super_admin(user) or "Yes: this account may see Horizon."

    @admin.action(description="Mail a sign-in link", permissions=["change"])
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
            self.message_user(request, f"Not every link was queued. {error}", messages.ERROR)
            return
        left_out = len(users) - len(wanting)
        note = f" {left_out} not active, or not staff, and left out." if left_out else ""
        note += f" {too_soon} had enough links in the last minutes." if too_soon else ""
        unit = "link" if queued == 1 else "links"
        level = messages.SUCCESS if queued else messages.WARNING
        self.message_user(request, f"{queued} sign-in {unit} queued.{note}", level)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fields = tuple(super().get_readonly_fields(request, obj))
        return fields if is_superuser(request) else (*fields, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and may_touch(request, obj)


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
