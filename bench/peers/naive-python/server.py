"""What one writes first in Python: asyncio, aiohttp, pydantic. The line is passed on as it came, the cheaper way.

    python3 server.py tcp|http PORT URL
"""
import asyncio
import sys
from datetime import datetime
from typing import Annotated, Any, Optional

import aiohttp
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

BATCH_EVENTS = 1000
WAITING_MAX = 4 * BATCH_EVENTS
REQUESTS_MAX = 4
LINGER_S = 0.02
TRIES = 3
LINE_MAX_BYTES = 512 * 1024
BODY_MAX_BYTES = 64 * 1024 * 1024


class Event(BaseModel):
    model_config = ConfigDict(extra="allow")
    timestamp: datetime
    source_ip: StrictStr
    event_type: StrictStr
    severity: Annotated[StrictInt, Field(ge=0, le=10)]
    raw_payload: Optional[dict[str, Any]] = None


def accepts(line: bytes) -> bool:
    try:
        Event.model_validate_json(line)
        return True
    except ValidationError:
        return False


async def deliver(queue: asyncio.Queue, session: aiohttp.ClientSession, url: str) -> None:
    while True:
        batch = [await queue.get()]
        try:
            async with asyncio.timeout(LINGER_S):
                while len(batch) < BATCH_EVENTS:
                    batch.append(queue.get_nowait() if not queue.empty() else await queue.get())
        except TimeoutError:
            pass
        body = b"".join(batch)
        for _ in range(TRIES):
            try:
                async with session.post(url, data=body) as response:
                    await response.read()
                    if response.status < 300:
                        break
            except aiohttp.ClientError:
                pass


async def main(way: str, port: int, url: str) -> None:
    queue: asyncio.Queue = asyncio.Queue(WAITING_MAX)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=REQUESTS_MAX))
    deliveries = [asyncio.create_task(deliver(queue, session, url)) for _ in range(REQUESTS_MAX)]

    async def read_lines(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if accepts(line):
                await queue.put(line)
        writer.close()

    async def read_body(request: web.Request) -> web.Response:
        accepted = rejected = 0
        for line in (await request.read()).splitlines(keepends=True):
            if accepts(line):
                accepted += 1
                await queue.put(line)
            else:
                rejected += 1
        return web.json_response({"accepted": accepted, "rejected": rejected})

    if way == "http":
        app = web.Application(client_max_size=BODY_MAX_BYTES)
        app.router.add_post("/", read_body)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
    else:
        await asyncio.start_server(read_lines, "127.0.0.1", port, limit=LINE_MAX_BYTES)
    await asyncio.gather(*deliveries)


if __name__ == "__main__":
    try:
        import uvloop

        run = uvloop.run
    except ImportError:
        run = asyncio.run
    run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
