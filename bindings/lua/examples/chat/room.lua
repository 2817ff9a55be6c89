-- The Shard: some of the people of the chat, what they say, and what siblings ask about them.
local dog = require "dog"
local json = require "json"
local parse_command = require "command"

local Room = dog.shard("Room", { parent = "Lobby" })

local function event(kind, members)
  members.type, members.time = kind, os.time() * 1000
  return members
end

local function said(from, text, meta, to)
  return event("user:msg", { from = from, text = text, meta = meta, to = to })
end

-- ---- requests

function Room:receive(request)
  local text = request:query "text" or "Hello from HTTP"
  local path = request:path()
  if path == "/ws" then return self:connect(request) end
  if path == "/broadcast" then
    self:broadcast(said("HTTP", text))
    return 200, "DONE\n"
  elseif path == "/emit" then
    self:emit(said("HTTP", text, "group"))
    return 200, "DONE\n"
  elseif path == "/whisper" then
    local to = request:query "target"
    if not to or to == "" then return 400, "Whom? /whisper?target=NAME\n" end
    return 200, self:whisper(to, said("HTTP", text, "whisper", to)) .. " reached\n"
  end
  return 404, "Not found\n"
end

-- ---- people

function Room:onopen(socket) socket:broadcast(event("user:join", { from = socket.uid }), "text", dog.TO_SELF) end

function Room:onclose(socket) self:broadcast(event("user:exit", { from = socket.uid })) end

function Room:onmessage(socket, data, kind)
  local input = kind == "text" and json.decode(data)
  local what = type(input) == "table" and input.type
  if what == "req:connected" then
    socket:broadcast(event("user:connected", { from = socket.uid }), "text", dog.TO_SELF)
  elseif what == "req:user:list" then
    socket:send(event("user:list", { list = self:everybody() }))
  elseif what == "msg" then
    self:say(socket, type(input.text) == "string" and input.text:match "^%s*(.-)%s*$" or "")
  else
    socket:send(event("error", { text = "A message is a JSON object with a type." }))
  end
end

function Room:say(socket, line)
  local verb, text, to = parse_command(line)
  if text == "" then return socket:send(event("error", { text = "There are no words in that." })) end
  if verb == "whisper" then return self:pass(socket, to, text) end
  if verb == "group" then return socket:emit(said(socket.uid, text, "group"), "text", dog.TO_SELF) end
  socket:broadcast(said(socket.uid, text), "text", dog.TO_SELF)
end

-- First to whom it is for, then to the one who said it.
function Room:pass(socket, to, text)
  local message = said(socket.uid, text, "whisper", to)
  local reached = #to <= 256 and socket:whisper(to, message)
  if reached == 0 or not reached then return socket:send(event("error", { text = to .. " is not here." })) end
  if to ~= socket.uid then socket:send(message) end -- not twice to one who whispers to itself
end

-- ---- siblings

function Room:names()
  local names = {}
  for _, socket in ipairs(self:sockets()) do names[#names + 1] = socket.uid end
  return names
end

-- The names in all Rooms, by gossip.
function Room:everybody()
  local lists = { self:names() }
  for _, answer in ipairs(self:gossip({ type = "intra:user:list" }, 2000) or {}) do
    if answer.status == "DOG_OK" then lists[#lists + 1] = json.decode(answer.data) end
  end
  local everybody, seen = {}, {}
  for _, names in ipairs(lists) do
    for _, name in ipairs(names) do
      if not seen[name] then everybody[#everybody + 1] = name end
      seen[name] = true
    end
  end
  table.sort(everybody)
  return everybody
end

function Room:ongossip(question)
  if json.decode(question).type == "intra:user:list" then return self:names() end
  error("no answer to " .. question)
end

return Room
