"""A client made with the Python SDK. Each line on standard input is a call. Lines on standard output are what it hears
while it waits, and then what came of it."""

import asyncio
import json
import os
import sys

import httpx2
import mcp
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import ElicitRequestURLParams, ElicitResult


def transport(target):
    if "command" in target:
        command, *arguments = target["command"]
        return StdioServerParameters(command=command, args=arguments, env={**os.environ, **target["env"]})
    http = httpx2.AsyncClient(headers=target["headers"], timeout=60)
    return streamable_http_client(target["url"], http_client=http)


async def main():
    target = json.loads(sys.argv[1])
    asked = []

    async def on_elicitation(context, params):
        if not isinstance(params, ElicitRequestURLParams):
            return ElicitResult(action="decline")
        asked.append(params.url)
        return ElicitResult(action="accept")

    client = Client(
        transport(target),
        mode=target.get("mode", "auto"),
        elicitation_callback=on_elicitation if target.get("elicits") else None,
        read_timeout_seconds=60,
    )
    async with client:
        print(json.dumps({"version": client.protocol_version}), flush=True)
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            call = json.loads(line)

            async def on_progress(progress, total, message):
                print(json.dumps({"heard": message}), flush=True)

            asked.clear()
            try:
                result = await client.call_tool(call["name"], call["arguments"], progress_callback=on_progress)
                text = "".join(part.text for part in result.content if part.type == "text")
                answer = {"text": text, "isError": bool(result.is_error)}
            except mcp.MCPError as error:
                answer = {"error": error.error.message, "code": error.error.code}
            print(json.dumps({**answer, "asked": asked}), flush=True)


asyncio.run(main())
