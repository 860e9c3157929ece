# SPDX-License-Identifier: Apache-2.0
"""gRPC as its own library speaks it: a server to stand behind weir, a client before it."""

import queue
import threading
from concurrent import futures

from .need import need_module

grpc = need_module("grpc", "python3-grpcio")
UNUSED = [("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]


class Service(grpc.GenericRpcHandler):
    """Bytes in, bytes out: /test.Echo/{Unary,Down,Up,Both,Fail,Hang}."""

    def __init__(self):
        self.cancelled = queue.Queue()   # calls of Hang that have ended
        self.metadata = queue.Queue()
        self.status = (grpc.StatusCode.UNAVAILABLE, "full")

    def unary(self, request, context):
        self.metadata.put(dict(context.invocation_metadata()))
        context.set_trailing_metadata((("x-after", "yes"),))
        return request

    @staticmethod
    def down(request, _):
        for i in range(int(request)):
            yield b"%d" % i

    @staticmethod
    def up(requests, _):
        return b"%d" % sum(len(r) for r in requests)

    @staticmethod
    def both(requests, _):
        for r in requests:
            yield r

    def fail(self, _, context):
        context.abort(*self.status)

    def hang(self, _, context):
        over = threading.Event()
        context.add_callback(lambda: (self.cancelled.put(True), over.set()))
        yield b"first"
        over.wait(20)

    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        handlers = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Down": grpc.unary_stream_rpc_method_handler(self.down),
            "Up": grpc.stream_unary_rpc_method_handler(self.up),
            "Both": grpc.stream_stream_rpc_method_handler(self.both),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "Hang": grpc.unary_stream_rpc_method_handler(self.hang),
        }
        return handlers.get(name)


class RpcServer:
    def __init__(self):
        self.service = Service()
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=UNUSED)
        self.server.add_generic_rpc_handlers((self.service,))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        self.server.stop(None).wait()


class RpcClient:
    def __init__(self, address):
        self.channel = grpc.insecure_channel("%s:%d" % address[:2], options=UNUSED)
        self.unary = self.channel.unary_unary("/test.Echo/Unary")
        self.down = self.channel.unary_stream("/test.Echo/Down")
        self.up = self.channel.stream_unary("/test.Echo/Up")
        self.both = self.channel.stream_stream("/test.Echo/Both")
        self.fail = self.channel.unary_unary("/test.Echo/Fail")
        self.hang = self.channel.unary_stream("/test.Echo/Hang")

    def close(self):
        self.channel.close()
