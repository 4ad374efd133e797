"""Which ssh_config keywords the asyncssh transport honours, ignores harmlessly, or cannot do. Pure."""

from __future__ import annotations

from asyncssh.config import SSHClientConfig

from workbench.compute.ssh_config import Line, Survey
from workbench.text.sanitize import clean_name

# What we do ourselves because asyncssh does not.
OURS = frozenset({"stricthostkeychecking", "match", "host", "include"})

# Without effect here, and nothing is lost: they are about a terminal session, logs, or forwards of their own.
_HARMLESS = """
    addkeystoagent batchmode channeltimeout checkhostip clearallforwardings connectionattempts
    dynamicforward enableescapecommandline escapechar exitonforwardfailure fingerprinthash
    forkafterauthentication forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports
    hashknownhosts ignoreunknown ipqos kbdinteractivedevices localcommand localforward loglevel logverbose
    nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming permitlocalcommand
    permitremoteopen remotecommand remoteforward requesttty sessiontype stdinnull streamlocalbindmask
    streamlocalbindunlink syslogfacility tunnel tunneldevice updatehostkeys usekeychain verifyhostkeydns
    versionaddendum visualhostkey warnweakcrypto xauthlocation
"""
HARMLESS = frozenset(_HARMLESS.split())

# Only the system's ssh can do these; why, in words.
NEEDS_OPENSSH = {
    "gssapiauthentication": "Kerberos tickets are not used",
    "gssapikeyexchange": "Kerberos key exchange is not used",
    "gssapidelegatecredentials": "Kerberos tickets are not passed on",
    "knownhostscommand": "host keys it would print are not known",
    "revokedhostkeys": "its list of revoked host keys is not read",
    "securitykeyprovider": "security keys (FIDO) behind it are not used",
    "pkcs11provider": "keys on the smart card are not used",
    "controlmaster": "a connection ssh holds open already is not shared",
    "controlpath": "a connection ssh holds open already is not shared",
    "controlpersist": "a connection ssh holds open already is not shared",
    "proxyusefdpass": "a proxy command that hands over a socket is not understood",
    "canonicalizehostname": "host names are taken as they are written",
    "canonicaldomains": "host names are taken as they are written",
    "hostbasedauthentication": "host-based authentication is not tried",
    "enablesshkeysign": "host-based authentication is not tried",
    "bindinterface": "the interface is the routing table's choice",
}
_OFF = frozenset({"no", "none", "false", "off"})


def unsupported(found: Survey) -> list[str]:
    """What of the user's configuration for this host has no effect with asyncssh, a sentence each."""
    notes: dict[str, None] = {}
    known = {keyword.lower() for keyword in SSHClientConfig._handlers}
    for line in found.lines:
        note = _note(line, known)
        if note:
            notes[note] = None
    return list(notes)


def _note(line: Line, known: set[str]) -> str | None:
    keyword, value = line.keyword, line.value
    where = f"{clean_name(keyword, 60)} ({line.place})"
    if keyword == "stricthostkeychecking":
        if value.lower() in ("no", "off", "false"):
            return (
                f"{where}: not honoured, an unchecked host key lets anyone in between read and change "
                "everything; new keys are shown once to be accepted"
            )
        return None
    if keyword == "match" and "exec" in value.lower() and "%" in value:
        return f"{where}: its % tokens are not expanded; with transport openssh they are"
    if value.lower() in _OFF or keyword in OURS or keyword in HARMLESS:
        return None
    if keyword in NEEDS_OPENSSH:
        return f"{where}: {NEEDS_OPENSSH[keyword]}; with transport openssh it works"
    if keyword not in known:
        return f"{where}: not known here and ignored; with transport openssh it counts"
    return None
