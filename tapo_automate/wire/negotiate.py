"""Which protocol a device wants to be spoken to in.

The device itself says, in answer to one plain question; where it says nothing that we know, KLAP's handshake is tried
and then securePassthrough's.  Source: docs/protocol.md, "Protocol detection over HTTP".
"""

from __future__ import annotations

from collections.abc import Mapping

from tapo_automate.errors import AuthRefused, NeedsTpap
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.codes import LOCKED, OTHER_PROTOCOL, too_many
from tapo_automate.wire.exchange import Request, Response, Transport
from tapo_automate.wire.identity import LOCKED_TEXT

QUESTION = Request("/", b'{"method":"login","params":{"sub_method":"discover"}}', {"Content-Type": "application/json"})

_EITHER = (Transport.KLAP, Transport.AES)
_KLAP = (Transport.KLAP,)


def read_answer(host: str, response: Response) -> tuple[Transport, ...]:
    """Return the protocols to try, in order, from the answer to QUESTION.

    Raises NeedsTpap for a device that wants nothing else, AuthRefused for one that has locked logins, Busy.
    """
    if response.status == 429:
        raise too_many(host)
    if response.status == 401:
        return _KLAP
    answer = json_object(response.body)
    if answer is None or response.status != 200:
        return _EITHER  # a web page, or an older generation that takes no questions
    code = error_code(answer)
    if code == LOCKED:
        raise AuthRefused(host, LOCKED_TEXT)
    if code == OTHER_PROTOCOL:
        return _KLAP
    result = answer.get("result")
    if code != 0 or not isinstance(result, Mapping):
        return _EITHER
    if result.get("tpap_preferred") is False:
        return _KLAP
    if "tpap" in result or result.get("tpap_preferred") is True:
        raise NeedsTpap(host)  # where TPAP will be tried, once it is spoken
    return _EITHER
