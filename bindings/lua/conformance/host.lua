-- The conformance host in Lua: what it does, to the byte, is in Tests/conformance/HOST.md.
local here = arg[0]:match "^(.*)/[^/]*$" or "."
package.path = here .. "/../?.lua;" .. package.path
local dog = require "dog"

local arguments = { ["--workers"] = 2 }
for index = 1, #arg, 2 do arguments[arg[index]] = assert(tonumber(arg[index + 1]), arg[index] .. " needs a number") end

local engine = dog.engine {
  workers = arguments["--workers"],
  identify_timeout_ms = arguments["--deadline"],
  receive_timeout_ms = arguments["--deadline"],
  message_bytes_max = 65536,
  outbox_bytes_max = 262144,
}
local counts = { opened = 0, closed = 0, started = 0, ended = 0 }
local PLAIN = { ["Content-Type"] = "text/plain" }

-- ---- hold and release

local held = {} -- by key, a list of what lets each go on

local function hold(key, teller, ...)
  local arguments = { ... }
  return dog.suspend(function(go)
    held[key] = held[key] or {}
    table.insert(held[key], go)
    teller:broadcast("holding " .. key, unpack(arguments))
  end)
end

local function release(key)
  local list = held[key] or {}
  held[key] = nil
  for _, go in ipairs(list) do go() end
  return #list
end

local function never() dog.suspend(function() end) end

-- The name of the status that a call gave: of its results behind pcall's.
local function status_of(is_well, result, status)
  if is_well then return result and "DOG_OK" or status end
  return dog.status(result) or error(result, 0)
end

-- ---- gateways

local Room = dog.gateway("Room", { child = "RoomShard", limit = 2 })
local Pool = dog.gateway("Pool", { child = "PoolShard", limit = 1, sticky_seconds = 0, idle_seconds = 1 })

local function identify(gateway, request)
  local u = request:query "u" or ""
  if u == "" then return "anon" end
  if u == "blocked" then return 403, "not you", { ["X-Reason"] = "blocked" } end
  if u == "broken" then error "identify is broken" end
  if u == "never" then never() end
  if u == "self" then return gateway.name end
  if u:find "^late%-" then hold(u, gateway) end
  return u
end

Room.identify, Pool.identify = identify, identify

function Pool:clusterize(request)
  local uid = request:uid()
  if uid == "mute" then error "clusterize is mute" end
  if uid == "twin" then return "of-ann" end
  if uid:find "^slow%-" then hold(uid, self) end
  return "of-" .. uid
end

-- ---- requests

engine:on_fetch(function(request)
  local path = request:path()
  if path == "/stats" then
    local stats = engine:stats()
    local lines = {}
    for _, name in ipairs { "sockets", "places", "shards", "gateways" } do
      lines[#lines + 1] = name .. " " .. stats[name] .. "\n"
    end
    return 200, table.concat(lines), PLAIN
  end
  if path == "/nowhere" then request:forward("None", "x") end
  if path == "/broken" then error "fetch is broken" end
  local name = path:match "^/alias/([^/]+)"
  if name then return Room, name end
  local key
  name, key = path:match "^/wait/([^/]+)/([^/]+)$"
  if name then
    hold(key, engine:find(Room, name))
    return 200, "released " .. key, PLAIN
  end
  return 404, "no route for " .. path, PLAIN
end)

local verbs = {}

function verbs.ws(shard, request)
  local protocol
  for _, offered in ipairs(request:protocols()) do
    if offered == "dog.v1" then protocol = offered end
  end
  return shard:connect(request, { protocol = protocol, headers = { ["X-Shard"] = shard.id } })
end

function verbs.info(shard, request)
  local lines = {
    "method " .. request:method(),
    "target " .. request:target(),
    "path " .. request:path(),
    "query " .. (request:query "q" or ""),
    "header " .. (request:header "X-Test" or ""),
    "uid " .. request:uid(),
    "shard " .. shard.id,
    "starts " .. shard.starts,
    "body " .. request:body(),
  }
  return 200, table.concat(lines, "\n") .. "\n", { ["Content-Type"] = "text/plain", ["X-Shard"] = shard.id }
end

function verbs.status(shard, _, argument) return tonumber(argument), nil, { ["X-Shard"] = shard.id } end

function verbs.hold(shard, _, argument)
  hold(argument, shard)
  return 200, "released " .. argument, PLAIN
end

verbs.never = never

function verbs.broken() error "receive is broken" end

function verbs.stream(shard, request, argument)
  local stream = request:begin(200, { ["Content-Type"] = "text/event-stream" })
  engine:spawn(function()
    shard:broadcast("over " .. argument .. (stream:wait() == "DOG_OK" and " whole" or " left"))
  end)
  stream:write "data: one\n\n"
  hold(argument, shard)
  stream:write "data: two\n\n"
  stream:finish()
end

function verbs.large(_, request)
  local stream = request:begin(200, { ["Content-Type"] = "application/octet-stream" })
  for part = 0, 63 do stream:write(string.char(97 + part % 26):rep(65536)) end
  stream:finish()
end

verbs["bad-status"] = function(shard, request) shard.last = status_of(pcall(request.respond, request, 99, "x")) end

verbs["bad-header"] = function(shard, request)
  shard.last = status_of(pcall(request.respond, request, 200, "", { ["X-Bad"] = "a\r\nb" }))
end

verbs["bad-protocol"] = function(shard, request)
  shard.last = status_of(pcall(shard.connect, shard, request, { protocol = "never-offered" }))
end

function verbs.twice(shard, request)
  request:respond(200, "first", PLAIN)
  shard.last = status_of(pcall(request.respond, request, 200, "second", PLAIN))
end

local function receive(shard, request)
  local verb, argument = request:path():match "^/[^/]*/[^/]*/([^/]*)/?(.*)$"
  if not verb or verb == "" then verb = "ws" end
  if not verbs[verb] then return 404, "no " .. verb, PLAIN end
  return verbs[verb](shard, request, argument)
end

-- ---- sockets

local function uids(shard)
  local list = {}
  for _, socket in ipairs(shard:sockets()) do list[#list + 1] = socket.uid end
  table.sort(list)
  return table.concat(list, ","), #list
end

local commands = {}

function commands.echo(_, socket, rest) socket:send(rest) end
function commands.binary(_, socket, rest) socket:send(rest, "binary") end
function commands.emit(_, socket, rest) socket:emit(rest) end
commands["emit+"] = function(_, socket, rest) socket:emit(rest, "text", dog.TO_SELF) end
function commands.broadcast(_, socket, rest) socket:broadcast(rest) end
commands["broadcast+"] = function(_, socket, rest) socket:broadcast(rest, "text", dog.TO_SELF) end
commands["shard-emit"] = function(shard, _, rest) shard:emit(rest) end
commands["shard-broadcast"] = function(shard, _, rest) shard:broadcast(rest) end

local function whisper(teller, socket, uid, text)
  local sockets = teller:whisper(uid, text)
  if sockets then socket:send("whispered " .. sockets) end
end

function commands.whisper(_, socket, rest) whisper(socket, socket, rest:match "^(%S*) ?(.*)$") end
commands["shard-whisper"] = function(shard, socket, rest) whisper(shard, socket, rest:match "^(%S*) ?(.*)$") end

commands["gateway-broadcast"] = function(_, socket, rest)
  local name, text = rest:match "^(%S*) ?(.*)$"
  local room = engine:find(Room, name)
  if room then room:broadcast(text) end
  socket:send(room and "told" or "nobody")
end

commands["gateway-whisper"] = function(_, socket, rest)
  local name, uid, text = rest:match "^(%S*) (%S*) ?(.*)$"
  local room = engine:find(Room, name)
  if room then return whisper(room, socket, uid, text) end
  socket:send "nobody"
end

function commands.gossip(shard, socket, rest)
  local timeout, question = rest:match "^(%d+) ?(.*)$"
  local answers = shard:gossip(question, tonumber(timeout))
  if not answers then return end
  local lines = {}
  for index, answer in ipairs(answers) do
    lines[index] = "\n" .. answer.shard_id .. " " .. answer.status .. " " .. (answer.data or "")
  end
  table.sort(lines)
  socket:send("gossip " .. #answers .. table.concat(lines))
end

function commands.who(shard, socket)
  local names, count = uids(shard)
  socket:send("who " .. count .. " " .. names)
end

function commands.id(shard, socket) socket:send("id " .. shard.id) end

function commands.hold(_, socket, rest)
  hold(rest, socket, "text", dog.TO_SELF)
  socket:send("released " .. rest)
end

function commands.release(_, socket, rest) socket:send("released " .. release(rest)) end

function commands.close(_, socket, rest)
  local code, reason = rest:match "^(%d+) ?(.*)$"
  socket:close(tonumber(code), reason)
end

function commands.fail() error "onmessage is broken" end
function commands.last(shard, socket) socket:send("last " .. (shard.last or "none")) end

local misuses = {}

function misuses.uid(_, socket) return pcall(socket.whisper, socket, ("u"):rep(257), "x") end
function misuses.code(_, socket) return pcall(socket.close, socket, 1005) end
function misuses.reason(_, socket) return pcall(socket.close, socket, 1000, ("r"):rep(124)) end
function misuses.big(_, socket) return pcall(socket.send, socket, ("b"):rep(262145)) end

function misuses.stale(shard)
  if not shard.closed then return true, nil, "none" end
  return pcall(shard.closed.send, shard.closed, "x")
end

function commands.misuse(shard, socket, rest) socket:send(status_of(misuses[rest](shard, socket))) end

-- ---- shards

for _, parent in ipairs { "Room", "Pool" } do
  local Shard = dog.shard(parent .. "Shard", { parent = parent })

  function Shard:onstart()
    counts.started = counts.started + 1
    self.starts = (self.starts or 0) + 1
  end

  Shard.receive = receive

  function Shard:onopen(socket)
    counts.opened = counts.opened + 1
    socket:send("hello " .. socket.uid .. " " .. self.id)
    socket:emit("joined " .. socket.uid)
  end

  function Shard:onmessage(socket, data, kind)
    if kind == "binary" then return socket:send(data:reverse(), "binary") end
    local verb, rest = data:match "^([^ ]*) ?(.*)$"
    if not commands[verb] then return socket:send("unknown " .. verb) end
    commands[verb](self, socket, rest)
  end

  function Shard:onclose(socket, code, reason, clean)
    counts.closed = counts.closed + 1
    self.closed = socket
    local line = ("left %s %d %s"):format(socket.uid, code, clean and "clean" or "lost")
    self:broadcast(reason == "" and line or line .. " " .. reason)
  end

  function Shard:onerror(socket, status)
    if status ~= "DOG_EHOST" then self:broadcast("error " .. socket.uid .. " " .. status) end
  end

  function Shard:ongossip(question, gossip)
    if question == "fail" then return gossip:fail "no comment" end
    if question == "never" then never() end
    if question:find "^hold%-" then
      hold(question, self)
      return "released"
    end
    return question .. ": " .. uids(self)
  end

  function Shard:onstop()
    counts.ended = counts.ended + 1
    self.gateway:broadcast("stopped " .. self.id)
  end

  engine:define(Shard)
end

engine:define(Room, Pool)
engine:route("/room/:name", Room):route("/pool/:name", Pool):route("/lobby", Room, "lobby")
local port = engine:listen { port = 0 }
engine:stop_on_signals(2000)
engine:start()
io.write("listening on ", port, "\n")
io.flush()
engine:run()
print(("stopped opened=%d closed=%d started=%d ended=%d"):format(counts.opened, counts.closed, counts.started,
  counts.ended))
