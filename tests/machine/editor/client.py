"""A client of the language server protocol, as small as an editor's part in one test can be."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import IO, Any

from tests.pure.repository.project import ROOT

SERVER = ROOT / ".venv/editor/node_modules/.bin/yaml-language-server"
NODE = ROOT / ".venv/bin/node"


class LanguageServer:
    """yaml-language-server over its standard streams. Requests wait for their answer."""

    def __init__(self, schema: Path) -> None:
        # ./dev installs it; pytest alone does not.
        assert SERVER.exists(), "yaml-language-server is missing: run ./dev setup"
        self._process = subprocess.Popen(
            [NODE, SERVER, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._number = 0
        self._published: dict[str, list[dict[str, Any]]] = {}
        settings = {"yaml": {"schemas": {schema.as_uri(): "*.yaml"}, "hover": True, "completion": True}}
        self._settings = settings
        hover = {"contentFormat": ["markdown"]}
        item = {"documentationFormat": ["markdown"], "snippetSupport": True}
        capabilities = {
            "textDocument": {"hover": hover, "completion": {"completionItem": item}},
            "workspace": {"configuration": True},
        }
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._send({"method": "initialized", "params": {}})
        self._send({"method": "workspace/didChangeConfiguration", "params": {"settings": settings}})

    def open(self, uri: str, text: str) -> list[dict[str, Any]]:
        """Show it a document; its diagnostics."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        while uri not in self._published:
            self._receive()
        return self._published.pop(uri)

    def ask(self, method: str, params: object) -> Any:
        """The answer to a request."""
        self._number += 1
        number = self._number
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def close(self) -> None:
        """End it as an editor does."""
        self.ask("shutdown", None)
        self._send({"method": "exit"})
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def _send(self, message: dict[str, object]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream = _open(self._process.stdin)
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        stream.flush()

    def _receive(self) -> dict[str, Any]:
        """The next message; what the server asks of an editor is answered on the way."""
        stream = _open(self._process.stdout)
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the language server ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._published[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            self._send({"id": message["id"], "result": self._answer(message)})
        return message

    def _answer(self, message: dict[str, Any]) -> object:
        if message["method"] != "workspace/configuration":
            return None
        return [self._settings.get(item.get("section")) for item in message["params"]["items"]]


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
