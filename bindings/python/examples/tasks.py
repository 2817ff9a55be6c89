"""The README's example of cloudflare/dog, in Python: a pool of tasks for each name.

/tasks/<name>     who you are, and who is at work in the whole pool
/tasks/<name>/ws  a WebSocket; {"type": "crawl:url", "url": ...} is done for you, and everybody hears of it
"""

import asyncio
import json
from typing import List, Union

import dog


class Pool(dog.Gateway):
    limit = 50  # each Task handles 50 connections at most
    child = "Task"

    def identify(self, request: dog.Request) -> Union[str, dog.Response]:
        return request.headers.get("X-Request-Id") or dog.Response("who are you?\n", 401)


class Task(dog.Shard):
    async def receive(self, request: dog.Request) -> Union[dog.Response, dog.Upgrade]:
        if request.path.endswith("/ws"):
            return self.connect(request)
        siblings = await self.gossip({"type": "who"})
        workers = sorted(uid for uids in [self.ongossip({"type": "who"}), *siblings] for uid in uids)
        return dog.Response.json({"you": request.uid, "workers": workers})

    def ongossip(self, question: object) -> List[str]:
        return [socket.uid for socket in self.sockets]

    async def onmessage(self, socket: dog.Socket, data: dog.Data) -> None:
        message = json.loads(data)
        if message["type"] == "crawl:url":
            await asyncio.sleep(0.1)  # here a real program would be at work
            socket.broadcast({"url": message["url"], "done": True}, to_self=True)


if __name__ == "__main__":
    dog.run(dog.Engine().define(Pool, Task).route("/tasks/:name", Pool).listen(port=8787))
