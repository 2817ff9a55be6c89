-- fanout - a bench host: one room on any path, and what comes goes to everybody in it, its sender included.
--
--   luajit fanout.lua PORT [WORKERS]   0: a free port; prints `listening on PORT` once it serves
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../?.lua;" .. package.path
local dog = require "dog"

-- A Shard lives on one worker: 250 is what spreads a thousand people over four of them.
local Gateway = dog.gateway("Fanout", { child = "FanoutShard", limit = 250, sticky_seconds = 0 })
function Gateway:identify(request) return request:remote() end

local Shard = dog.shard("FanoutShard", { parent = "Fanout" })
function Shard:receive(request) return self:connect(request) end
function Shard:onmessage(socket, data, kind) socket:broadcast(data, kind, dog.TO_SELF) end

local engine = dog.engine { workers = tonumber(arg[2]) or 1 }
engine:define(Gateway, Shard)
engine:on_fetch(function() return Gateway, "all" end)
local port = engine:listen(tonumber(arg[1]))
engine:stop_on_signals(0)
engine:start()
io.write("listening on ", port, "\n")
io.flush()
engine:run()
