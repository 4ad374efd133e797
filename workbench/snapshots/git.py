"""Where code came from: the facts git knows of a directory, and its uncommitted diff (AZ-120 to AZ-125)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from workbench.entities.run import GitFacts
from workbench.snapshots.gitcommand import run_git

MOST_DIFF = 5 << 20
"""Bytes of a diff that are kept."""

_TRUE = ("true", "1", "yes", "on")
_USER_IN_SCP = re.compile(r"^([^/@:]+):[^/@]*@")
_DIFF = (
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--ignore-submodules=none",
    "--submodule=short",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)


def git_facts(directory: Path, environ: Mapping[str, str] | None = None) -> tuple[GitFacts, str | None]:
    """What git says of directory, under the AZUREML_GIT_* variables, and the diff when it is dirty.

    Whatever cannot be known is absent: no git, no work tree, no remote, a detached HEAD, a command that takes
    too long. Never raises for any of these, never asks for a password, and runs no hook.
    """
    environ = os.environ if environ is None else environ
    facts, diff = _asked(directory, environ)
    return _overridden(facts, environ), diff


def strip_credentials(url: str) -> str:
    """A remote's URL without password, token and query; an SSH user stays, being part of the address."""
    if "://" not in url:
        return _USER_IN_SCP.sub(r"\1@", url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return re.sub(r"//[^/]*@", "//", url).partition("?")[0]
    user, _, host = parts.netloc.rpartition("@")
    name = user.partition(":")[0]
    keep = name if parts.scheme.lower() in ("ssh", "git+ssh", "ssh+git") else ""
    return urlunsplit((parts.scheme, f"{keep}@{host}" if keep else host, parts.path, "", ""))


def _asked(directory: Path, environ: Mapping[str, str]) -> tuple[GitFacts, str | None]:
    if _line(directory, environ, "rev-parse", "--is-inside-work-tree") != "true":
        return GitFacts(), None
    url = _line(directory, environ, "ls-remote", "--get-url")
    commit = _line(directory, environ, "rev-parse", "HEAD")
    status = run_git(directory, "status", "--porcelain", ".", environ=environ)
    dirty = bool(status.out.strip()) if status is not None else None
    facts = GitFacts(
        repository_uri=strip_credentials(url) if url else None,
        branch=_line(directory, environ, "symbolic-ref", "--short", "HEAD"),
        commit=commit,
        dirty=dirty,
    )
    return facts, _diff(directory, environ, commit) if dirty else None


def _line(directory: Path, environ: Mapping[str, str], *words: str) -> str | None:
    answer = run_git(directory, *words, environ=environ)
    text = answer.out.decode("utf-8", "replace").strip() if answer is not None else ""
    return text or None


def _diff(directory: Path, environ: Mapping[str, str], commit: str | None) -> str | None:
    """Staged and unstaged changes below directory against the commit; untracked files are in the snapshot."""
    # Before the first commit everything is compared with the empty tree, whose name depends on the hash.
    against = commit or _line(directory, environ, "hash-object", "-t", "tree", os.devnull)
    if against is None:
        return None
    answer = run_git(directory, *_DIFF, against, "--", ".", environ=environ, most=MOST_DIFF)
    if answer is None or not answer.out:
        return None
    text = answer.out.decode("utf-8", "replace")
    return f"{text}\n... the diff is cut here, at {MOST_DIFF} bytes\n" if answer.cut else text


def _overridden(facts: GitFacts, environ: Mapping[str, str]) -> GitFacts:
    def value(name: str) -> str | None:
        return environ.get(f"AZUREML_GIT_{name}") or None

    url = value("REPOSITORY_URI")
    dirty = value("DIRTY")
    return GitFacts(
        repository_uri=strip_credentials(url) if url else facts.repository_uri,
        branch=value("BRANCH") or facts.branch,
        commit=value("COMMIT") or facts.commit,
        dirty=dirty.strip().lower() in _TRUE if dirty else facts.dirty,
        build_id=value("BUILD_ID"),
        build_uri=value("BUILD_URI"),
    )
