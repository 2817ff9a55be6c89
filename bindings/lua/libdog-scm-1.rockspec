rockspec_format = "3.0"
package = "libdog"
version = "scm-1"
-- For `luarocks make` in this folder: nothing is fetched.
source = {
  url = "file://.",
}
description = {
  summary = "DOG, the Durable Object Gateway: an embeddable realtime engine, for LuaJIT",
  detailed = [[
    Gateways and Shards, WebSockets and HTTP over libdog, in the coroutines of one thread. Needs LuaJIT 2.1, and libdog
    with its header where the system has libraries and headers.
  ]],
  license = "MIT",
}
dependencies = {
  "lua == 5.1",
}
build = {
  type = "builtin",
  modules = {
    dog = "dog.lua",
  },
}
