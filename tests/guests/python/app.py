"""The tests' guest in Python: asks who it is, tells the upstream, and marks the response."""

from wit_world.exports import BodyFilter as _BodyFilter
from wit_world.exports import Lifecycle as _Lifecycle
from wit_world.exports import RequestFilter as _RequestFilter
from wit_world.exports import ResponseFilter as _ResponseFilter
from wit_world.exports.body_filter import ChunkVerdict_Done, ChunkVerdict_Replace
from wit_world.exports.lifecycle import Descriptor
from wit_world.exports.request_filter import BodyVerdict_Next, Verdict_Next, Verdict_Respond
from wit_world.exports.response_filter import ResponseBodyVerdict_Next, ResponseVerdict_NeedBody, ResponseVerdict_Next
from wit_world.imports import attributes, request, response
from wit_world.imports.types import Answer, Header


class Lifecycle(_Lifecycle):
    def describe(self):
        return Descriptor("guest-python", "0.1.0", "Asks who it is", "", [])

    def configure(self, config: str) -> None:
        pass


class RequestFilter(_RequestFilter):
    def on_request(self):
        who = request.header("x-who")
        if who is None:
            return Verdict_Respond(Answer(401, [Header("x-asked-by", "python")], b"who are you?"))
        attributes.set("guest.who", who)
        request.set_header("x-greeting", f"hello {who}")
        return Verdict_Next()

    def on_request_body(self, body: bytes):
        return BodyVerdict_Next()


class ResponseFilter(_ResponseFilter):
    def on_response(self):
        response.set_header("x-guest", f"{attributes.get('guest.who') or 'nobody'} {response.status()}")
        if response.header("x-stream"):
            attributes.set("guest.stream", "1")
        return ResponseVerdict_NeedBody(1000) if response.header("x-shout") else ResponseVerdict_Next()

    def on_response_body(self, body: bytes):
        response.set_body(body.upper())
        return ResponseBodyVerdict_Next()


class BodyFilter(_BodyFilter):
    def on_request_chunk(self, chunk: bytes, last: bool):
        return ChunkVerdict_Done()

    def on_response_chunk(self, chunk: bytes, last: bool):
        return ChunkVerdict_Replace(chunk.upper()) if attributes.get("guest.stream") else ChunkVerdict_Done()
