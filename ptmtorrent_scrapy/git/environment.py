"""The environment in which git runs on untrusted repositories.

Every option is described in git-config(1) and git(1), those of git-lfs in git-lfs-config(5).
"""

import atexit
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ptmtorrent_scrapy.git.errors import Refused

# Passed on from our own environment; nothing else is.
_KEPT = (
    "PATH",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "LD_LIBRARY_PATH",
    "LIBRARY_PATH",
)

# Harmless flaws that git itself accepts on clone, named as in git-fsck(1); for all others a repository is refused.
_HARMLESS = (
    # Names and dates of commits and tags by old tools and imports from other systems: shown, never run
    *("badDate", "badDateOverflow", "badEmail", "badName", "badTimezone", "missingAuthor", "missingCommitter"),
    *("missingEmail", "missingNameBeforeEmail", "missingSpaceBeforeDate", "missingSpaceBeforeEmail"),
    *("multipleAuthors", "nulInCommit", "zeroPaddedDate", "badTagName", "missingTaggerEntry"),
    # Trees of old tools: git checks each path again when it writes a working tree
    *("badFilemode", "duplicateEntries", "treeNotSorted", "zeroPaddedFilemode"),
    "nullSha1",  # a submodule that was never committed
    # Attributes that git ignores
    *("gitattributesBlob", "gitattributesLarge", "gitattributesLineLength"),
)

# git uses a proxy of ours, which uses the user's (network/guard.py).
_PROXY = re.compile(r"http\.(?:.*\.)?(?:proxy|proxyAuthMethod)|remote\..*\.proxy", re.IGNORECASE | re.DOTALL)

# Settings that a clone keeps, so that later work in it is as safe.
LASTING = {
    "core.hooksPath": "/dev/null",
    "core.symlinks": "false",
    "core.fsmonitor": "false",
    "core.protectHFS": "true",
    "core.protectNTFS": "true",
    "core.fileMode": "false",  # a linked file has the mode of its object
    "core.trustctime": "false",  # another link to the same object changes its ctime
    "core.checkStat": "minimal",  # a tree that was copied or mounted elsewhere stays clean
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
    "transfer.bundleURI": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
}


# For existing clones: git syncs references and the index only if a setting says so.
HARDENED = {"core.fsync": "committed,reference,index"}


@functools.cache
def _home() -> str:
    """Make a home folder without .netrc, and with an empty read-only configuration file."""
    home = tempfile.mkdtemp(prefix="ptmtorrent-git-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    Path(home, "gitconfig").touch(mode=0o444)
    return home


def environment(
    *,
    timeout: int,
    protocols: Sequence[str] = ("https",),
    configuration: Mapping[str, str] | None = None,
    token: tuple[str, str] | None = None,
    user_agent: str = "",
    min_rate: int = 1,
) -> dict[str, str]:
    """Return the environment variables for git and git-lfs.

    `user_agent` follows git's own name, by which servers recognise git. `configuration` is added to every command.
    `token` is (base URL, token), sent only to that host and only on request: it is in the environment, where other
    users of the machine cannot read it, and not in a file or on a command line.
    """
    variables = {name: os.environ[name] for name in _KEPT if name in os.environ} | _isolated(protocols)
    if token:
        variables["PTMTORRENT_TOKEN"] = token[1]
    if user_agent:
        variables["GIT_HTTP_USER_AGENT"] = f"git/2 {user_agent}"
    speed = {"http.lowSpeedLimit": str(min_rate), "http.lowSpeedTime": str(timeout)}
    given = {name: value for name, value in (configuration or {}).items() if not _PROXY.fullmatch(name)}
    return configured(variables, {**_safe(protocols), **speed, **_credentials(token), **given})


def _isolated(protocols: Sequence[str]) -> dict[str, str]:
    """Return variables that disable the configuration of the user and the system."""
    home = _home()
    return {
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": f"{home}/gitconfig",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols),
    }


def _safe(protocols: Sequence[str]) -> dict[str, str]:
    """Return settings that let git trust no repository."""
    return {
        "core.hooksPath": "/dev/null",
        "core.askPass": "",
        "credential.helper": "",
        "credential.interactive": "false",
        "protocol.allow": "never",
        "safe.bareRepository": "explicit",  # no folder in a clone is used as a repository
        "safe.directory": "*",  # work in the data tree, whoever owns its files
        "transfer.credentialsInUrl": "die",
        "advice.detachedHead": "false",
        "init.defaultBranch": "main",
        **LASTING,
        **{f"protocol.{protocol}.allow": "always" for protocol in protocols},
        **{f"fetch.fsck.{flaw}": "ignore" for flaw in _HARMLESS},
        **{f"fsck.{flaw}": "ignore" for flaw in _HARMLESS},
    }


def _credentials(token: tuple[str, str] | None) -> dict[str, str]:
    """Return settings that let git answer a host's question with the token in the environment."""
    if token is None:
        return {}
    helper = '!answer() { test "$1" = get && printf "password=%s\\n" "$PTMTORRENT_TOKEN"; }; answer'
    return {f"credential.{token[0]}.username": "token", f"credential.{token[0]}.helper": helper}


def configured(variables: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with more configuration, passed to git without a command line.

    >>> configured({}, {"gc.auto": "0"})
    {'GIT_CONFIG_COUNT': '1', 'GIT_CONFIG_KEY_0': 'gc.auto', 'GIT_CONFIG_VALUE_0': '0'}
    """
    before = int(variables.get("GIT_CONFIG_COUNT", "0"))
    added = {"GIT_CONFIG_COUNT": str(before + len(settings))}
    for number, (name, value) in enumerate(settings.items(), before):
        added |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return {**variables, **added}


def check_url(url: str, protocols: Sequence[str]) -> str:
    """Return the URL if git may use it: an allowed protocol, a host, no credentials or control characters.

    >>> check_url("https://huggingface.co/gpt2", ["https"])
    'https://huggingface.co/gpt2'
    """
    try:
        parts = urlsplit(url)
        host, secret = parts.hostname, parts.username is not None or parts.password is not None
    except ValueError as error:
        raise Refused(f"{url!r} is not a URL: {error}") from None
    if parts.scheme not in protocols:
        raise Refused(f"{url!r} does not begin with {' or '.join(f'{name}://' for name in protocols)}")
    if not host or host.startswith("-") or secret or not url.isprintable() or " " in url or "\\" in url:
        raise Refused(f"{url!r} is not a plain URL of a repository")
    return url
