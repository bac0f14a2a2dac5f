"""Which protocol a device wants to be spoken to in.

The device itself says, in answer to one plain question; where it says nothing that we know, KLAP's handshake is tried
and then securePassthrough's.  Source: docs/protocol.md, "Protocol detection over HTTP".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tapo_automate.errors import Garbled
from tapo_automate.wire.address import names_port, parse_host
from tapo_automate.wire.answers import error_code, json_object
from tapo_automate.wire.codes import LOCKED, OTHER_PROTOCOL, Remedy, lookup, refusal, too_many
from tapo_automate.wire.exchange import Request, Response, Transport
from tapo_automate.wire.offer import Offer, read_offer
from tapo_automate.wire.tpap import login_locked

QUESTION = Request("/", b'{"method":"login","params":{"sub_method":"discover"}}', {"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """The protocols to try, in order, and what a device that wants TPAP says of it.

    guessed: it did not say which; a device of any generation may be at a loss for a moment.
    """

    transports: tuple[Transport, ...]
    offer: Offer | None = None
    guessed: bool = False


_EITHER = Wanted((Transport.KLAP, Transport.AES), guessed=True)
_KLAP = Wanted((Transport.KLAP,))


def read_answer(host: str, response: Response) -> Wanted:
    """Return what the answer to QUESTION says that the device wants.  host: as the user wrote it.

    Raises NeedsTpap for a kind of TPAP that is not spoken, Garbled for one that cannot be understood, AuthRefused for a
    device that has locked logins, Busy.
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
        raise login_locked(host, answer)
    if code == OTHER_PROTOCOL:
        return _KLAP
    if lookup(code).remedy is Remedy.LATER:
        raise refusal(host, "login", code)
    result = answer.get("result")
    if code != 0 or not isinstance(result, Mapping):
        return _EITHER
    if result.get("tpap_preferred") is False:
        return _KLAP
    if "tpap" in result:
        offer = read_offer(host, result, asked_port=parse_host(host)[1], port_is_ours=names_port(host))
        return Wanted((Transport.TPAP,), offer)
    if result.get("tpap_preferred") is True:
        raise Garbled(host, "the device wants TPAP and does not say how: its answer has no `tpap`")
    return _EITHER
