-- echo.lua - a whole server in plain LuaJIT: dog.h as it is, less the preprocessor's lines, and no binding.
--
--   luajit echo.lua DECLARATIONS LIBRARY
--
-- Sends every message back; GET / says "hello from Lua", GET /stop ends it. Prints its port once it serves.
local ffi = require("ffi")
local file = assert(io.open(arg[1]))
ffi.cdef(file:read("*a"))
file:close()
local dog = ffi.load(arg[2])

local function must(status)
  if status ~= dog.DOG_OK then error(ffi.string(dog.dog_status_text(status)), 2) end
end

local function class(kind, members)
  local made = ffi.new("dog_" .. kind .. "_class_t")
  must(dog["dog_" .. kind .. "_class_init"](made, ffi.sizeof(made)))
  for name, value in pairs(members) do made[name] = value end
  return made
end

local options = ffi.new("dog_options_t")
must(dog.dog_options_init(options, ffi.sizeof(options)))
options.delivery = dog.DOG_DELIVERY_EVENTS
local engines = ffi.new("dog_engine_t *[1]")
must(dog.dog_engine_create(options, engines))
local engine = engines[0]
must(dog.dog_engine_define_gateway(engine, class("gateway", {name = "ROOM", child = "SEATS", limit = 100})))
must(dog.dog_engine_define_shard(engine, class("shard", {name = "SEATS", parent = "ROOM"})))
must(dog.dog_engine_route(engine, "/:room", "ROOM", nil))
must(dog.dog_engine_on_fetch(engine, nil, nil))
local port = ffi.new("uint16_t[1]")
must(dog.dog_engine_listen(engine, nil, 0, port))
must(dog.dog_engine_start(engine))
print(port[0])
io.stdout:flush()

local text, length = ffi.new("const char *[1]"), ffi.new("size_t[1]")

local function respond(request, body) must(dog.dog_request_respond(request, 200, nil, 0, body, #body)) end

local on = {
  [dog.DOG_EVENT_FETCH] = function(event) respond(event.request, "hello from Lua") end,
  [dog.DOG_EVENT_IDENTIFY] = function(event) must(dog.dog_request_identify(event.request, "ann", 3)) end,
  [dog.DOG_EVENT_RECEIVE] = function(event)
    must(dog.dog_request_path(event.request, text, length))
    if ffi.string(text[0], length[0]) == "/stop" then
      respond(event.request, "stopping")
      must(dog.dog_engine_stop(engine, 1000))
    else
      must(dog.dog_request_connect(event.request, nil))
    end
  end,
  [dog.DOG_EVENT_MESSAGE] = function(event)
    must(dog.dog_socket_send(event.socket, event.kind, event.data, event.length))
  end,
}

local events, count = ffi.new("dog_event_t[16]"), ffi.new("size_t[1]")
local is_running = true
while is_running do
  must(dog.dog_engine_poll(engine, events, 16, -1, count))
  for index = 0, tonumber(count[0]) - 1 do
    local handle = on[tonumber(events[index].type)]
    if handle then handle(events[index]) end
    if events[index].type == dog.DOG_EVENT_STOPPED then is_running = false end
  end
end
must(dog.dog_engine_destroy(engine))
