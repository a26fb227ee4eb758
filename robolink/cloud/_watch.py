"""Following one kind of resource: list, watch from there, list anew when the server has forgotten where we were.

Sans-IO: says what to ask next and reads what was answered. It waits for nothing and keeps no objects.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

from robolink.cloud._errors import GROUP, ApiStatusError
from robolink.errors import RobolinkError

VERSION: Final = "v1beta1"
PAGE: Final = 500
# The server ends a watch after this; the next one goes on from the same resource version.
WATCH_S: Final = 300
AGAIN_MIN_S: Final = 0.5
AGAIN_MAX_S: Final = 30.0
# A resource that this cluster does not have may be installed later.
ABSENT_AGAIN_S: Final = 60.0

Document = dict[str, Any]


def resource_path(namespace: str, resource: str, name: str = "") -> str:
    """Path of a resource, or of one object of it."""
    path = f"/apis/{GROUP}/{VERSION}/namespaces/{quote(namespace, safe='')}/{resource}"
    return f"{path}/{quote(name, safe='')}" if name else path


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: a page of a list, or a watch."""

    verb: str
    path: str


@dataclass(frozen=True, slots=True)
class Change:
    """What became of the objects: all of them (`everything`), or one that was put or removed."""

    everything: bool = False
    put: list[Document] = field(default_factory=list)
    removed: str = ""


class Watcher:
    """One resource of one namespace.

    Args:
        namespace: Of Kubernetes.
        resource: Its plural: "devices".
        selector: A label selector; "" for all.
        jitter: 0..1; spreads the clients of a server that was away.
        optional: An API server without this resource is no fault.

    Attributes:
        counters: Lists, watches, how they ended.
        listed: Whether the objects have been read once.
        error: Why nothing comes at present; None while it does.
    """

    def __init__(
        self,
        namespace: str,
        resource: str,
        *,
        selector: str = "",
        jitter: Callable[[], float],
        optional: bool = False,
    ) -> None:
        """Nothing read yet."""
        self.resource, self.optional = resource, optional
        self.counters: Counter[str] = Counter()
        self.listed = False
        self.error: RobolinkError | None = None
        self._path, self._selector, self._jitter = resource_path(namespace, resource), selector, jitter
        self._version = ""
        self._continue = ""
        self._pages: list[Document] = []
        self._at, self._again_s = 0.0, AGAIN_MIN_S

    def next(self, now: float) -> Ask | float:
        """What to ask, or until when to wait."""
        if now < self._at:
            return self._at
        query = {"labelSelector": self._selector} if self._selector else {}
        if self._version:
            query |= {
                "watch": "true",
                "resourceVersion": self._version,
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_S),
            }
            return Ask("watch", f"{self._path}?{urlencode(query)}")
        query["limit"] = str(PAGE)
        if self._continue:
            query["continue"] = self._continue
        return Ask("list", f"{self._path}?{urlencode(query)}")

    def page(self, document: Document) -> Change | None:
        """A page of the list; the whole list with its last page."""
        metadata = document.get("metadata") or {}
        self._pages += document.get("items") or []
        self._continue = metadata.get("continue") or ""
        if self._continue:
            return None
        self.counters["lists"] += 1
        self._version = str(metadata.get("resourceVersion", ""))
        objects, self._pages = self._pages, []
        self.listed = True
        self._well()
        return Change(everything=True, put=objects)

    def event(self, document: Document) -> Change | None:
        """One event of a watch.

        Raises:
            ApiStatusError: The server reports an error by it; give it to `failed`.
        """
        kind, found = document.get("type", ""), document.get("object") or {}
        if kind == "ERROR":
            raise ApiStatusError(
                str(found.get("message", "the watch failed")),
                status=int(found.get("code") or 500),
                reason=str(found.get("reason", "")),
            )
        self._well()
        metadata = found.get("metadata") or {}
        self._version = str(metadata.get("resourceVersion") or self._version)
        if kind in ("ADDED", "MODIFIED"):
            return Change(put=[found])
        if kind == "DELETED":
            return Change(removed=str(metadata.get("name", "")))
        if kind != "BOOKMARK":
            self.counters["unknown_events"] += 1
        return None

    def _well(self) -> None:
        self.error, self._again_s = None, AGAIN_MIN_S

    def ended(self, now: float) -> None:
        """The server ended the watch, as it does after a while."""
        self.counters["watches_ended"] += 1
        # A server that ends each watch at once is not asked in a tight loop.
        self._at = now + AGAIN_MIN_S * self._jitter()

    def failed(self, error: RobolinkError, now: float) -> None:
        """A list or watch failed: again after a while, from the same place unless that is forgotten there."""
        status = error.status if isinstance(error, ApiStatusError) else 0
        if status == 410:
            # Gone, or an expired page: what happened meanwhile is known to nobody.
            self.counters["gone"] += 1
            self._forget()
            self._at = now
            return
        self.counters["failures"] += 1
        self.error = error
        if status == 404:
            self._forget()
            self.listed = self.listed or self.optional
            self._at = now + ABSENT_AGAIN_S
            return
        wait_s = max(self._again_s * (0.5 + self._jitter() / 2), getattr(error, "retry_after_s", 0.0))
        self._at, self._again_s = now + wait_s, min(AGAIN_MAX_S, self._again_s * 2)

    def _forget(self) -> None:
        self._version = self._continue = ""
        self._pages = []
