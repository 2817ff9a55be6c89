--[[
dog - DOG, the Durable Object Gateway, for LuaJIT 2.1: one file, no other module. docs/lua.md tells how to use it.

The declarations are dog.h's own: the header is read when this file is loaded, so whatever it says is callable and its
options are known by its names. The engine delivers events, which `step` fetches on the thread of the program; no other
thread ever enters Lua.

DESIGN: handlers run in coroutines, so that they can wait (gossip, whisper, sleep, a full response), but most never do.
So one coroutine, the *dispatcher*, goes through all events of a poll and calls their handlers as plain functions, which
the JIT compiler sees as one loop. Only when a handler waits is there a switch: its coroutine is left with it, and
another one takes over as dispatcher. Woken, it finishes its handler and joins the idle ones.

What holds: an object (gateway, shard, socket, stream) is in its engine's tables from its first event to its last, and
nothing else keeps it; a coroutine that waits is in `_waiting` under a number that is used once. What an outsider can
cause is an answer (nil and the name of a status); what only the program can have done wrong is an error.
]]
local ffi = require "ffi"
local bit = require "bit"

local bxor = bit.bxor
local running, resume, yield = coroutine.running, coroutine.resume, coroutine.yield

local dog = {}

-- ---- library and header ---------------------------------------------------------------------------------------------

ffi.cdef [[
typedef struct { const char *file; void *base; const char *symbol; void *address; } dog_lua_place_t;
int dog_lua_find_place(const void *address, dog_lua_place_t *place) __asm__("dladdr");
typedef struct { long seconds; long nanoseconds; } dog_lua_time_t;
int dog_lua_clock(int clock, dog_lua_time_t *time) __asm__("clock_gettime");
int dog_lua_pause(void *nothing, unsigned long count, int timeout_ms) __asm__("poll");
uint32_t dog_version(void);
]]

local function load_library()
  local path = os.getenv "DOG_LIBRARY"
  local found, library = pcall(ffi.load, path and path ~= "" and path or "dog")
  if found then return library end
  error("dog: libdog is not to be had; DOG_LIBRARY may say where it is: " .. tostring(library), 0)
end

local lib = load_library()

local function read_file(path)
  local file = io.open(path, "rb")
  local text = file and file:read "*a"
  if file then file:close() end
  return text
end

local function ask_pkg_config()
  local pipe = io.popen "pkg-config --variable=includedir dog 2>/dev/null"
  local answer = pipe and pipe:read "*l"
  if pipe then pipe:close() end
  return answer and answer ~= "" and answer or nil
end

-- The text of dog.h and its path: where DOG_HEADER says, else beside the library, else where headers are.
local function read_header()
  local path = os.getenv "DOG_HEADER"
  if path and path ~= "" then
    return read_file(path) or error("dog: DOG_HEADER names no file: " .. path, 0), path
  end
  local looked = {}
  local function look(folder)
    looked[#looked + 1] = folder .. "/dog.h"
    return read_file(looked[#looked])
  end
  local place = ffi.new "dog_lua_place_t"
  local library = "?"
  local text
  if ffi.C.dog_lua_find_place(ffi.cast("void *", lib.dog_version), place) ~= 0 then
    library = ffi.string(place.file)
    local folder = library:match "^(.*)/[^/]*$" or "."
    -- lib/libdog.so; lib/x86_64-linux-gnu/libdog.so
    text = look(folder .. "/../include") or look(folder .. "/../../include")
  end
  if not text then
    local folder = ask_pkg_config()
    text = folder and look(folder) or look "/usr/local/include" or look "/usr/include"
  end
  if text then return text, looked[#looked] end
  error("dog: no dog.h for " .. library .. "; DOG_HEADER may say where it is. Looked for:\n\t"
    .. table.concat(looked, "\n\t"), 0)
end

-- What LuaJIT's parser takes: no lines of the preprocessor, and not the two parts that are for C++.
local function declarations(header)
  header = header:gsub("#ifdef __cplusplus\n.-#endif[^\n]*\n", "")
  local kept, is_directive = {}, false
  for line in header:gmatch "([^\n]*)\n" do
    is_directive = is_directive or line:find "^%s*#" ~= nil
    if not is_directive then kept[#kept + 1] = line end
    is_directive = is_directive and line:find "\\%s*$" ~= nil
  end
  return table.concat(kept, "\n")
end

local header, header_path = read_header()
do
  local function part(name) return tonumber(header:match("#define DOG_VERSION_" .. name .. " (%d+)")) end
  local loaded = lib.dog_version()
  local major, minor, patch = bit.rshift(loaded, 16), bit.band(bit.rshift(loaded, 8), 255), bit.band(loaded, 255)
  dog.version = ("%d.%d.%d"):format(major, minor, patch)
  -- What a later header declares, options above all, an earlier library does not have.
  if part "MAJOR" ~= major or part "MINOR" ~= minor then
    error(("dog: %s is of version %s.%s, the library of %s"):format(header_path, part "MAJOR", part "MINOR",
      dog.version), 0)
  end
  -- Types outlive package.loaded: a second copy of this file finds them there.
  if not pcall(ffi.typeof, "dog_event_t") then ffi.cdef(declarations(header)) end
end

dog.TO_SELF = tonumber(lib.DOG_TO_SELF)

-- ---- statuses -------------------------------------------------------------------------------------------------------

local OK, EKIND, ENOENT, EFULL = 0, tonumber(lib.DOG_EKIND), tonumber(lib.DOG_ENOENT), tonumber(lib.DOG_EFULL)
local EHOST = tonumber(lib.DOG_EHOST)
local EINVAL, ETOOBIG = tonumber(lib.DOG_EINVAL), tonumber(lib.DOG_ETOOBIG)
local STATUS = setmetatable({}, {
  __index = function(names, status)
    names[status] = ffi.string(lib.dog_status_name(status))
    return names[status]
  end,
})
-- Statuses that clients and siblings can cause: they are returned, the others are errors.
local CAUSED_BY_OTHERS = {
  [tonumber(lib.DOG_ESTALE)] = true,
  [tonumber(lib.DOG_EFULL)] = true,
  [tonumber(lib.DOG_EUPGRADE)] = true,
  [tonumber(lib.DOG_ECLOSED)] = true,
  [tonumber(lib.DOG_EGONE)] = true,
  [tonumber(lib.DOG_ESLOW)] = true,
}

local function sentence(status, more)
  return STATUS[status] .. ": " .. ffi.string(lib.dog_status_text(status)) .. (more and ": " .. more or "")
end

-- nil and the name, or an error at the place of the caller's caller (these calls are tail calls all the way).
local function failure(status)
  if CAUSED_BY_OTHERS[status] then return nil, STATUS[status] end
  error(sentence(status), 2)
end

local function outcome(status)
  if status == 0 then return true end
  return failure(tonumber(status))
end

-- The name of the status in the message of an error of this module: "DOG_EINVAL". nil if there is none.
function dog.status(message)
  return type(message) == "string" and message:match "%f[%w_]DOG_E%u+%f[^%w_]" or nil
end

-- ---- bytes, kinds, headers ------------------------------------------------------------------------------------------

local KIND = { text = 1, binary = 2 }
local KIND_NAME = { "text", "binary" }

local function encode(value)
  local json = dog.json
  if not json then
    error("a table can be sent where dog.json is set, to a module with encode (lua-cjson, dkjson, ...)", 3)
  end
  return json.encode(value)
end

local function bytes(data)
  local kind = type(data)
  if kind == "string" then return data end
  if kind == "number" then return tostring(data) end
  if kind == "table" then return encode(data) end
  error("a string is to be sent, or a number or table; this is a " .. kind, 3)
end

local function kind_of(kind)
  return KIND[kind or "text"] or error("a kind is \"text\" or \"binary\", not " .. tostring(kind), 3)
end

-- Keeps what pointers in a struct point to until the next call of that sort: the collector does not see those pointers.
local pinned = {}

-- { Name = "value", Many = { "one", "two" }, { "Name", "value" } } as dog.h has it: an array and its count.
local function header_list(headers)
  if headers == nil then return nil, 0 end
  if type(headers) ~= "table" then error("headers are a table, not a " .. type(headers), 3) end
  local names, values = {}, {}
  local function add(name, value)
    if type(name) ~= "string" or type(value) ~= "string" and type(value) ~= "number" then
      error("a header is a name and a string; not " .. tostring(name) .. " and a " .. type(value), 4)
    end
    names[#names + 1], values[#values + 1] = name, tostring(value)
  end
  for name, value in pairs(headers) do
    if type(name) == "number" and type(value) == "table" then
      add(value[1], value[2])
    elseif type(value) == "table" then
      for _, one in ipairs(value) do add(name, one) end
    else
      add(name, value)
    end
  end
  local list = ffi.new("dog_header_t[?]", math.max(#names, 1))
  for index, name in ipairs(names) do
    local entry = list[index - 1]
    entry.name, entry.name_length = name, #name
    entry.value, entry.value_length = values[index], #values[index]
  end
  pinned.headers = { list, names, values }
  return list, #names
end

-- ---- options --------------------------------------------------------------------------------------------------------

-- How the constants of an option begin: outbox_policy = "drop_oldest" is DOG_OUTBOX_DROP_OLDEST.
local CONSTANTS = {
  log_level = "DOG_LOG_",
  outbox_policy = "DOG_OUTBOX_",
  rate_policy = "DOG_RATE_",
  placement = "DOG_PLACE_",
  client_certificate = "DOG_CLIENT_CERTIFICATE_",
}

local function constant(prefix, value)
  local found, number = pcall(function() return lib[prefix .. value:upper()] end)
  return found and tonumber(number) or nil
end

-- Numbers that are 1 or 0, for which true and false may be given.
local FLAGS = { deflate = true, deflate_client_context = true, proxy_protocol = true, ipv6_only = true }

-- Text for a `const char *` with a NUL at its end.
local function c_string(value)
  if type(value) ~= "string" then error("a string is wanted, not a " .. type(value), 0) end
  if value:find "%z" then error("there is a NUL in it", 0) end
  return value
end

-- Lists that are an array and a count: the array's name, how its elements are made, and the count's name.
local LISTS = {
  origins = {
    count = "origin_count",
    make = function(list, anchors)
      local array = ffi.new("const char *[?]", #list + 1)
      for index, origin in ipairs(list) do
        array[index - 1] = c_string(origin)
        anchors[#anchors + 1] = origin
      end
      return array
    end,
  },
  certificates = {
    count = "certificate_count",
    make = function(list, anchors)
      local array = ffi.new("dog_certificate_t[?]", #list + 1)
      for index, certificate in ipairs(list) do
        local file, key = c_string(certificate.certificate_file), c_string(certificate.key_file)
        array[index - 1].certificate_file, array[index - 1].key_file = file, key
        anchors[#anchors + 1], anchors[#anchors + 2] = file, key
      end
      return array
    end,
  },
}
local COUNTS = { origin_count = true, certificate_count = true }

local function set_member(struct, name, value, anchors)
  if type(value) == "boolean" and FLAGS[name] then value = value and 1 or 0 end
  if type(value) == "string" and CONSTANTS[name] then
    value = constant(CONSTANTS[name], value) or error("there is no " .. value, 0)
  end
  if LISTS[name] then
    if type(value) ~= "table" then error("a list is wanted", 0) end
    local array = LISTS[name].make(value, anchors)
    anchors[#anchors + 1] = array
    struct[name], struct[LISTS[name].count] = array, #value
    return
  end
  if type(value) == "boolean" then error("true and false are for other options", 0) end
  struct[name] = type(value) == "string" and c_string(value) or value
  -- The conversion to C cuts off what does not fit.
  if type(value) == "number" and tonumber(struct[name]) ~= value then
    error(value .. " is no whole number in its range", 0)
  end
  anchors[#anchors + 1] = value
end

-- Sets members of a struct of dog.h by their names. `reserved` are those that are this module's.
local function fill(what, struct, type_name, options, reserved)
  local anchors = {}
  for name, value in pairs(options) do
    if type(name) ~= "string" or reserved[name] or COUNTS[name] or not ffi.offsetof(type_name, name) then
      error(what .. ": there is no option " .. tostring(name), 3)
    end
    local is_set, problem = pcall(set_member, struct, name, value, anchors)
    if not is_set then error(what .. ": " .. name .. ": " .. tostring(problem):gsub("^[^ ]+:%d+: ", ""), 3) end
  end
  pinned.options = anchors
  return anchors
end

local function set(...)
  local names = {}
  for _, name in ipairs { ... } do names[name] = true end
  return names
end

-- A struct that its dog_*_init has made.
local function initial(type_name, init)
  local struct = ffi.new(type_name)
  assert(init(struct, ffi.sizeof(type_name)) == OK)
  return struct
end

-- ---- waiting --------------------------------------------------------------------------------------------------------

-- The engine of each coroutine that is ours. Weak both ways: its stack holds the engine.
local engine_of = setmetatable({}, { __mode = "kv" })

-- A number under which the running coroutine can be woken, once. `owner`, an object, ends the wait when it goes.
local function begin_wait(owner)
  local me = running()
  local engine = me and engine_of[me]
  if not engine then error("this waits, which only a handler can, or a function given to engine:spawn", 3) end
  if engine._waiting_count >= engine._handlers_max then
    error(sentence(EFULL, "handlers_max handlers wait already"), 3)
  end
  local id = engine._next_id
  engine._next_id = id + 1
  engine._waiting[id] = me
  engine._waiting_count = engine._waiting_count + 1
  if owner then
    owner._pending = owner._pending or {}
    owner._pending[id] = true
  end
  return engine, id
end

-- Removes a wait. Returns the coroutine that waits, or nil if it does not wait any more.
local function end_wait(engine, id, owner)
  local waiter = engine._waiting[id]
  if not waiter then return nil end
  engine._waiting[id] = nil
  engine._waiting_count = engine._waiting_count - 1
  if owner and owner._pending then
    owner._pending[id] = nil
    if next(owner._pending) == nil then owner._pending = nil end
  end
  return waiter
end

local function after_pause(engine, id, owner, is_well, ...)
  if is_well then return ... end
  end_wait(engine, id, owner)
  error((...), 0)
end

-- Lets others run until `wake`, and returns its values. An error if this coroutine cannot yield (inside table.sort,
-- say): then nothing is left behind.
local function pause(engine, id, owner) return after_pause(engine, id, owner, pcall(yield)) end

-- The `user` of a call whose outcome comes as an event.
local function as_user(id) return ffi.cast("void *", ffi.cast("uintptr_t", id)) end

-- Resumes a coroutine of ours. It comes back when it waits again or has nothing more to do.
local function switch(engine, worker, ...)
  local is_well, problem = resume(worker, ...)
  if not is_well then engine:_report("dog", { trace = debug.traceback(worker, tostring(problem)) }) end
end

-- Goes on with a coroutine: now, or as soon as what runs now has come back to `step`.
local function go_on(engine, worker, ...)
  if engine._stepping then
    engine._ready_last = engine._ready_last + 1
    engine._ready[engine._ready_last] = { worker, select("#", ...), ... }
  else
    switch(engine, worker, ...)
  end
end

local function wake(engine, id, owner, ...)
  local waiter = end_wait(engine, id, owner)
  if waiter then go_on(engine, waiter, ...) end
  return waiter ~= nil
end

-- Wakes the waits for outcomes that an object's end has made impossible.
local function wake_pending(engine, owner)
  while owner._pending do wake(engine, next(owner._pending), owner, nil, "DOG_EGONE") end
end

--[[
Waits until the program wants this handler to go on: `start` is called at once with a function that ends the wait, and
what that is given `suspend` returns. Called again, or after the engine's end, it does nothing and returns false.
]]
function dog.suspend(start)
  local engine, id = begin_wait()
  local me, is_starting, early = running(), true, nil
  local function go(...)
    if not end_wait(engine, id) then return false end
    if is_starting then
      early = { select("#", ...), ... }
    else
      go_on(engine, me, ...)
    end
    return true
  end
  local is_well, problem = pcall(start, go)
  is_starting = false
  if not is_well then
    end_wait(engine, id)
    error(problem, 0)
  end
  if early then return unpack(early, 2, early[1] + 1) end
  return pause(engine, id)
end

local now_ms
do
  local CLOCK_MONOTONIC = ffi.os == "OSX" and 6 or 1
  local time = ffi.new "dog_lua_time_t"
  function now_ms()
    ffi.C.dog_lua_clock(CLOCK_MONOTONIC, time)
    return tonumber(time.seconds) * 1000 + tonumber(time.nanoseconds) / 1e6
  end
end

-- A heap by time, as an array: timers[1] is due first. As many as there are sleeping handlers.
local function push_timer(timers, due, id)
  local place = #timers + 1
  while place > 1 do
    local parent = math.floor(place / 2)
    if timers[parent].due <= due then break end
    timers[place] = timers[parent]
    place = parent
  end
  timers[place] = { due = due, id = id }
end

local function pop_timer(timers)
  local first, last = timers[1], table.remove(timers)
  local count, place = #timers, 1
  while count > 0 do
    local child = 2 * place
    if child < count and timers[child + 1].due < timers[child].due then child = child + 1 end
    if child > count or timers[child].due >= last.due then
      timers[place] = last
      break
    end
    timers[place] = timers[child]
    place = child
  end
  return first
end

-- Lets other handlers run for so many milliseconds.
function dog.sleep(ms)
  if type(ms) ~= "number" or not (ms >= 0) then error("a number of milliseconds is wanted", 2) end
  local engine, id = begin_wait()
  push_timer(engine._timers, now_ms() + ms, id)
  return pause(engine, id)
end

-- ---- objects --------------------------------------------------------------------------------------------------------

-- Objects are kept by a key made of the two halves of their handle: a cdata is a key by its identity, and a double has
-- 53 bits. Objects with the same key are in a list.
local function add_object(objects, object, low, high)
  local key = bxor(low, high)
  object._low, object._high, object._next = low, high, objects[key]
  objects[key] = object
end

local function find_object(objects, low, high)
  local object = objects[bxor(low, high)]
  while object and (object._low ~= low or object._high ~= high) do object = object._next end
  return object
end

local function remove_object(objects, object)
  local key = bxor(object._low, object._high)
  local before, one = nil, objects[key]
  while one and one ~= object do before, one = one, one._next end
  if not one then return end
  if before then
    before._next = one._next
  else
    objects[key] = one._next
  end
  object._next = nil
end

-- Room for what getters give; read at once after each call.
local text_out, length_out = ffi.new "const char *[1]", ffi.new "size_t[1]"
local void_out = ffi.new "const void *[1]"

-- A getter's text; nil if there is none, and nil and the status if its object is gone.
local function text_of(status)
  status = tonumber(status)
  if status == OK then return ffi.string(text_out[0], length_out[0]) end
  if status == ENOENT then return nil end
  return failure(status)
end

-- The outcome of an answer. Every answer ends the question, except one for another kind of question.
local function answered(request, status)
  status = tonumber(status)
  if status ~= EKIND then request._is_answered = true end
  if status == OK then return true end
  return failure(status)
end

-- whisper of a socket, a shard or a gateway.
local function whisperer(call)
  return function(self, uid, data, kind, is_awaited)
    data, kind = bytes(data), kind_of(kind)
    if is_awaited == false then return outcome(call(self._handle, uid, #uid, kind, data, #data, nil, nil)) end
    local engine, id = begin_wait(self)
    local status = tonumber(call(self._handle, uid, #uid, kind, data, #data, nil, as_user(id)))
    if status == OK then return pause(engine, id, self) end
    end_wait(engine, id, self)
    return failure(status)
  end
end

local Socket = {}
Socket.__index = Socket

function Socket:send(data, kind)
  data = bytes(data)
  return outcome(lib.dog_socket_send(self._handle, kind_of(kind), data, #data))
end

function Socket:emit(data, kind, flags)
  data = bytes(data)
  return outcome(lib.dog_socket_emit(self._handle, kind_of(kind), flags or 0, data, #data))
end

function Socket:broadcast(data, kind, flags)
  data = bytes(data)
  return outcome(lib.dog_socket_broadcast(self._handle, kind_of(kind), flags or 0, data, #data))
end

Socket.whisper = whisperer(lib.dog_socket_whisper)

function Socket:close(code, reason)
  reason = reason or ""
  if type(code or 0) ~= "number" or (code or 0) % 1 ~= 0 or (code or 0) < 0 or (code or 0) > 65535 then
    error("a close code is a number, 1000 to 4999", 2)
  end
  return outcome(lib.dog_socket_close(self._handle, code or 0, reason, #reason))
end

local Shard = {}

function Shard:emit(data, kind)
  data = bytes(data)
  return outcome(lib.dog_shard_emit(self._handle, kind_of(kind), data, #data))
end

function Shard:broadcast(data, kind)
  data = bytes(data)
  return outcome(lib.dog_shard_broadcast(self._handle, kind_of(kind), data, #data))
end

Shard.whisper = whisperer(lib.dog_shard_whisper)

-- Asks all siblings and waits for their answers: a list of { shard_id =, status =, data = }.
function Shard:gossip(question, timeout_ms)
  question = bytes(question)
  local engine, id = begin_wait(self)
  local status = tonumber(lib.dog_shard_gossip(self._handle, question, #question, timeout_ms or 0, nil, as_user(id)))
  if status == OK then return pause(engine, id, self) end
  end_wait(engine, id, self)
  return failure(status)
end

-- How many sockets are open on it, and a list of them.
function Shard:count() return self._count end

function Shard:sockets()
  local list = {}
  for socket in pairs(self._sockets) do list[#list + 1] = socket end
  return list
end

-- Answers a request by taking its WebSocket. nil, "DOG_EUPGRADE": it was no valid handshake; the client was told.
function Shard:connect(request, options)
  local struct = initial("dog_connect_options_t", lib.dog_connect_options_init)
  for name, value in pairs(options or {}) do
    if name == "protocol" then
      pinned.protocol = value
      struct.protocol, struct.protocol_length = value, #value
    elseif name == "headers" then
      struct.headers, struct.header_count = header_list(value)
    else
      error("connect: there is no option " .. tostring(name), 2)
    end
  end
  return answered(request, lib.dog_request_connect(request._handle, struct))
end

local Gateway = {}

function Gateway:broadcast(data, kind)
  data = bytes(data)
  return outcome(lib.dog_gateway_broadcast(self._handle, kind_of(kind), data, #data))
end

Gateway.whisper = whisperer(lib.dog_gateway_whisper)

-- The members of a struct of counts, in dog.h's order.
local function counts_in(name)
  local members = {}
  for member in header:match("typedef struct " .. name .. " {(.-)\n}"):gmatch "uint64_t ([%w_]+);" do
    members[#members + 1] = member
  end
  return members
end

local GATEWAY_COUNTS, ENGINE_COUNTS = counts_in "dog_gateway_stats", counts_in "dog_stats"

local function counts_of(struct, members)
  local counts = {}
  for _, member in ipairs(members) do counts[member] = tonumber(struct[member]) end
  return counts
end

function Gateway:stats()
  local struct = ffi.new "dog_gateway_stats_t"
  struct.size = ffi.sizeof(struct)
  local status = tonumber(lib.dog_gateway_stats(self._handle, struct))
  if status ~= OK then return failure(status) end
  return counts_of(struct, GATEWAY_COUNTS)
end

-- ---- requests -------------------------------------------------------------------------------------------------------

local Request = {}
Request.__index = Request

function Request:method() return text_of(lib.dog_request_method(self._handle, text_out, length_out)) end
function Request:target() return text_of(lib.dog_request_target(self._handle, text_out, length_out)) end
function Request:path() return text_of(lib.dog_request_path(self._handle, text_out, length_out)) end
function Request:remote() return text_of(lib.dog_request_remote(self._handle, text_out, length_out)) end
function Request:client_subject() return text_of(lib.dog_request_client_subject(self._handle, text_out, length_out)) end
function Request:uid() return text_of(lib.dog_request_uid(self._handle, text_out, length_out)) end

function Request:body()
  local status = tonumber(lib.dog_request_body(self._handle, void_out, length_out))
  if status == OK then return ffi.string(void_out[0], length_out[0]) end
  return failure(status)
end

function Request:query(name) return text_of(lib.dog_request_query(self._handle, name, #name, text_out, length_out)) end

function Request:header(name)
  return text_of(lib.dog_request_header(self._handle, name, #name, text_out, length_out))
end

-- All headers as they came: a list of { name, value }.
function Request:headers()
  local list, entry = {}, ffi.new "dog_header_t"
  for index = 0, math.huge do
    local status = tonumber(lib.dog_request_header_at(self._handle, index, entry))
    if status == ENOENT then return list end
    if status ~= OK then return failure(status) end
    list[#list + 1] = { ffi.string(entry.name, entry.name_length), ffi.string(entry.value, entry.value_length) }
  end
end

-- The subprotocols that the client offers.
function Request:protocols()
  local list = {}
  for index = 0, math.huge do
    local status = tonumber(lib.dog_request_protocol_at(self._handle, index, text_out, length_out))
    if status == ENOENT then return list end
    if status ~= OK then return failure(status) end
    list[#list + 1] = ffi.string(text_out[0], length_out[0])
  end
end

-- The client's address without its port: "203.0.113.9", "::1". nil on a Unix-domain socket.
function Request:remote_ip()
  local remote, status = self:remote()
  if not remote then return nil, status end
  if remote:find "^unix:" then return nil end
  return remote:match "^%[(.*)%]" or remote:match "^([^:]*):%d+$" or remote
end

-- Whether the client asks for a WebSocket. `connect` tells the client what else is wrong with its handshake.
function Request:is_websocket()
  for upgrade in (self:header "upgrade" or ""):gmatch "[^,%s]+" do
    if upgrade:lower() == "websocket" then return self:method() == "GET" end
  end
  return false
end

local function unescaped(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

-- Every value of a query parameter in the order they came; an empty list if it is absent.
function Request:query_all(name)
  local target, status = self:target()
  if not target then return nil, status end
  local values = {}
  for part in (target:match "%?(.*)" or ""):gmatch "[^&]+" do
    local key, value = part:match "^([^=]*)=?(.*)$"
    if unescaped(key) == name then values[#values + 1] = unescaped(value) end
  end
  return values
end

-- The rest of a path behind a route's pattern: "/board/7" of "/tasks/x/board/7" for "/tasks/:name". nil: no match.
local function path_behind(pattern, path)
  local place = 1
  for segment in pattern:gsub("/$", ""):gmatch "/([^/]*)" do
    local first, last = path:find("^/[^/]*", place)
    if not first then return nil end
    local part = path:sub(first + 1, last)
    local is_parameter = segment:find "^:." ~= nil
    if not is_parameter and part ~= segment or is_parameter and part == "" then return nil end
    place = last + 1
  end
  return path:sub(place)
end

-- The rest of the path behind the route that matched, "" if there is none. nil if no route matched.
function Request:rest()
  local path, status = self:path()
  if not path then return nil, status end
  for _, pattern in ipairs(self.engine._patterns) do
    local rest = path_behind(pattern, path)
    if rest then return rest end
  end
  return nil
end

-- nil and the status if it is no valid uid: it mostly comes from the client, who was told 400.
function Request:identify(uid)
  local status = tonumber(lib.dog_request_identify(self._handle, uid, #uid))
  if status ~= EINVAL and status ~= ETOOBIG then return answered(self, status) end
  self._is_answered = true
  return nil, STATUS[status]
end

function Request:clusterize(id) return answered(self, lib.dog_request_clusterize(self._handle, id, #id)) end

-- To the Gateway `name` of a class, or of the class of that name.
function Request:forward(class, name)
  class = dog.name_of(class)
  return answered(self, lib.dog_request_forward(self._handle, class, #class, name, #name))
end

function Request:respond(status, body, headers)
  if type(body) == "table" then
    body, headers = encode(body), headers or { ["Content-Type"] = "application/json" }
  end
  body = bytes(body or "")
  local list, count = header_list(headers)
  return answered(self, lib.dog_request_respond(self._handle, status, list, count, body, #body))
end

-- ---- streamed responses ---------------------------------------------------------------------------------------------

local Stream = {}
Stream.__index = Stream

-- Begins a response whose body is written piece by piece. `stream.status` is nil until it is over.
function Request:begin(status, headers)
  local engine = self.engine
  local list, count = header_list(headers)
  local id = engine._next_id
  engine._next_id = id + 1
  local struct = initial("dog_stream_options_t", lib.dog_stream_options_init)
  struct.user = as_user(id)
  local result = lib.dog_request_respond_begin(self._handle, status, list, count, struct)
  if result ~= OK then return answered(self, result) end
  self._is_answered = true
  local stream = setmetatable({ engine = engine, request = self, _handle = self._handle }, Stream)
  engine._streams[id] = stream
  self._stream = stream
  return stream
end

-- Waits while there is no room. true, or nil and a status: "DOG_ESTALE" if it is over. Outside of handlers it cannot
-- wait, and returns nil, "DOG_EFULL" if there is no room.
function Stream:write(data)
  data = bytes(data)
  while true do
    local status = tonumber(lib.dog_request_respond_write(self._handle, data, #data))
    local me = running()
    if status ~= EFULL or not (me and engine_of[me]) then
      if status == OK then return true end
      return failure(status)
    end
    if self.status then return nil, "DOG_ESTALE" end
    local engine, id = begin_wait(self)
    pause(engine, id, self)
  end
end

-- The body is whole.
function Stream:finish() return outcome(lib.dog_request_respond_end(self._handle)) end

-- The body cannot be finished: the connection is reset, so that the client does not take what came for the whole.
function Stream:abort() return outcome(lib.dog_request_respond_abort(self._handle)) end

-- Waits until it is over: "DOG_OK" if all of it went out, else what ended it.
function Stream:wait()
  while not self.status do
    local engine, id = begin_wait(self)
    pause(engine, id, self)
  end
  return self.status
end

local function wake_stream(engine, stream)
  local pending = stream._pending
  stream._pending = nil
  for id in pairs(pending or {}) do wake(engine, id) end
end

-- ---- classes --------------------------------------------------------------------------------------------------------

-- What a class was made with: its kind, its struct, and what that points to. nil if it is no class.
local function definition_of(class)
  local meta = type(class) == "table" and getmetatable(class)
  return type(meta) == "table" and meta.dog_definition or nil
end

local HANDLERS = {
  gateway = set("identify", "clusterize", "onretire"),
  shard = set("onstart", "receive", "onopen", "onmessage", "onclose", "onerror", "ondrain", "ongossip", "onstop"),
}
local REQUIRED = { gateway = "identify", shard = "receive" }
local METHODS = { gateway = Gateway, shard = Shard }
local RESERVED = {
  gateway = set("size", "name", "user", "identify", "clusterize", "clusterize_events", "onretire"),
  shard = set("size", "name", "user", "onstart", "receive", "onopen", "onmessage", "onclose", "onerror", "ondrain",
    "ongossip", "onstop", "gossip_events", "start_later"),
}

local function new_class(kind, name, options)
  local is_well, problem = pcall(c_string, name)
  if not is_well then error("dog." .. kind .. ": its name: " .. problem, 2) end
  local type_name = "dog_" .. kind .. "_class_t"
  local struct = initial(type_name, lib["dog_" .. kind .. "_class_init"])
  local members, is_ordered = {}, false
  for option, value in pairs(options or {}) do
    if kind == "shard" and option == "ordered" then
      if type(value) ~= "boolean" then error("dog.shard " .. name .. ": ordered is true or false", 3) end
      is_ordered = value
    else
      members[option] = value
    end
  end
  local anchors = fill("dog." .. kind .. " " .. name, struct, type_name, members, RESERVED[kind])
  struct.name = name
  local class = {}
  return setmetatable(class, {
    __index = METHODS[kind],
    dog_definition = {
      kind = kind, name = name, struct = struct, anchors = anchors, meta = { __index = class },
      is_ordered = is_ordered,
    },
  })
end

-- A class to put handlers into: function Pool:identify(request) ... end. Options are the members of dog_*_class_t; a
-- Shard class has `ordered` too: the handlers of one socket run one after another, however long one waits.
function dog.gateway(name, options) return new_class("gateway", name, options) end
function dog.shard(name, options) return new_class("shard", name, options) end

function dog.name_of(class)
  if type(class) == "string" then return class end
  local definition = definition_of(class)
  return definition and definition.name or error("a class is wanted, or the name of one", 3)
end

-- ---- engine ---------------------------------------------------------------------------------------------------------

local Engine = {}
Engine.__index = Engine

local EVENTS_AT_ONCE = 512
local IDLE_WORKERS_MAX = 64
local LISTEN_RESERVED = set "size"
local ENGINE_RESERVED = set("size", "log", "log_user", "delivery")
-- Options that are not the engine's but this module's.
local OWN_OPTIONS = {
  log = function(value) return value == false or type(value) == "function" end,
  report = function(value) return type(value) == "function" end,
  handlers_max = function(value) return type(value) == "number" and value >= 1 end,
}

local LOG_LEVEL = { "error", "warn", "info", "debug" }
local LEVEL_OF = { error = 1, warn = 2, info = 3, debug = 4 }

local function write_log(level, line) io.stderr:write("dog: ", level, ": ", line, "\n") end
local function write_report(message) io.stderr:write(message, "\n") end

-- Why the set-up call that was made right before failed.
local function last_reason()
  local text, length = ffi.new "const char *[1]", ffi.new "size_t[1]"
  if lib.dog_last_reason(text, length) ~= OK or length[0] == 0 then return nil end
  return ffi.string(text[0], length[0])
end

local function create(struct)
  local out = ffi.new "dog_engine_t *[1]"
  local status = tonumber(lib.dog_engine_create(struct, out))
  if status == OK then return out[0] end
  return nil, sentence(status, last_reason())
end

-- An engine that is not running yet. Options are the members of dog_options_t by their names, and:
--   log = function(level, line)   false for none; the default writes to stderr
--   report = function(message)    a handler failed; the default writes to stderr
--   handlers_max = 65536          handlers that wait at once; one more that wants to has an error
function dog.engine(options)
  local struct = initial("dog_options_t", lib.dog_options_init)
  local own, others = {}, {}
  for name, value in pairs(options or {}) do
    if OWN_OPTIONS[name] then
      if not OWN_OPTIONS[name](value) then error("dog.engine: " .. name .. ": this is no value for it", 2) end
      own[name] = value
    else
      others[name] = value
    end
  end
  fill("dog.engine", struct, "dog_options_t", others, ENGINE_RESERVED)
  struct.delivery = lib.DOG_DELIVERY_EVENTS
  local pointer, problem = create(struct)
  if not pointer then error("dog.engine: " .. problem, 2) end

  local events = ffi.new("dog_event_t[?]", EVENTS_AT_ONCE)
  return setmetatable({
    _pointer = ffi.gc(pointer, lib.dog_engine_destroy),
    _events = events,
    _words = ffi.cast("int32_t *", events), -- the same, for handles by their halves and enums as numbers
    _count_out = ffi.new "size_t[1]",
    _event = 0, -- the next one to dispatch, of
    _event_count = 0,
    _is_started = false,
    _is_stopped = false,
    _stop_until = math.huge, -- when the shortest grace that `stop` was given is over
    _stepping = false, -- somewhere below us is `step`, which will go on with what is ready
    _dispatcher = nil, -- the coroutine that goes through the events
    _idle = {}, -- coroutines without work
    _ready = {}, -- coroutines to go on with, each with the values for it, from _ready_first to _ready_last
    _ready_first = 1,
    _ready_last = 0,
    _waiting = {}, -- coroutines, by the number that wakes them
    _waiting_count = 0,
    _handlers_max = own.handlers_max or 65536,
    _next_id = 1,
    _timers = {},
    _objects = {}, -- shards and sockets, by handle
    _gateways = {}, -- gateways, by handle
    _streams = {}, -- by number
    _classes = {}, -- by number, which is their `user`
    _fetch = nil,
    _log_level = tonumber(struct.log_level),
    _places = {}, -- where it listens
    _patterns = {}, -- of the routes, in their order
    _log_hook = own.log == nil and write_log or own.log,
    _report_hook = own.report or write_report,
  }, Engine)
end

-- What a handler failed with: the text, and the text with the handler's frames, up to where this file called it.
local function trace(problem)
  local has_text, text = pcall(tostring, problem)
  if not has_text then text = "an error (a " .. type(problem) .. ") that tostring fails for" end
  local frames = debug.traceback(text, 2)
  return { text = text, trace = frames:match "^(.*)\n%s*%[C%]: in function 'xpcall'" or frames }
end

-- Tells of a handler that failed, and gives what it failed with. Whatever the hook does, the engine goes on.
function Engine:_report(what, failed)
  -- If the stack or memory is used up, there is no room for `trace`, and this is LuaJIT's own message.
  if type(failed) ~= "table" then failed = { text = tostring(failed), trace = tostring(failed) } end
  local message = what .. ": " .. failed.trace
  local is_well, problem = pcall(self._report_hook, message)
  if not is_well then write_report(message .. "\nand the report hook failed: " .. tostring(problem)) end
  return failed
end

-- A line of this module's own in the log, by the same level as the engine's lines.
function Engine:_say(level, line)
  if self._log_hook and LEVEL_OF[level] <= self._log_level then
    local is_well, failed = xpcall(self._log_hook, trace, level, line)
    if not is_well then self:_report("log", failed) end
  end
end

-- A set-up call that must succeed. Lines of the log come first; why it failed is in the error.
local function must(engine, what, status)
  status = tonumber(status)
  if status == OK then return end
  if not engine._pointer or engine._is_stopped then error(what .. ": the engine has ended", 3) end
  local reason = last_reason()
  -- Before the start there are no events but the log's.
  if not engine._is_started and not engine_of[running()] then engine:step(0) end
  error(what .. ": " .. sentence(status, reason), 3)
end

-- Registers classes, each with all its handlers in it.
function Engine:define(...)
  for position, class in ipairs { ... } do
    local definition = definition_of(class) or error("define: argument " .. position .. " is not a class", 2)
    local kind, name, struct = definition.kind, definition.name, definition.struct
    for member, value in pairs(class) do
      -- onMessage, on_message
      local meant = tostring(member):lower():gsub("_", "")
      if meant ~= member and HANDLERS[kind][meant] then
        error(name .. "." .. member .. ": this handler is called " .. meant, 2)
      end
      if meant:find "^on" and not HANDLERS[kind][meant] and type(value) == "function" then
        self:_say("warn", name .. "." .. member .. " is the name of no handler, so nothing calls it")
      end
      if HANDLERS[kind][member] and type(value) ~= "function" then
        error(name .. "." .. member .. " is to be a function", 2)
      end
    end
    if not class[REQUIRED[kind]] then error(name .. " needs " .. REQUIRED[kind], 2) end
    local number = #self._classes + 1
    struct.user = as_user(number)
    if kind == "gateway" then
      struct.clusterize_events = class.clusterize and 1 or 0
      must(self, "define " .. name, lib.dog_engine_define_gateway(self._pointer, struct))
    else
      struct.gossip_events = class.ongossip and 1 or 0
      struct.start_later = class.onstart and 1 or 0
      must(self, "define " .. name, lib.dog_engine_define_shard(self._pointer, struct))
    end
    self._classes[number] = class
  end
  return self
end

-- Requests whose path matches go to a Gateway of the class: the one that the path names, or `name`.
function Engine:route(pattern, class, name)
  class = dog.name_of(class)
  local is_well, problem = pcall(function() return c_string(pattern), name and c_string(name) end)
  if not is_well then error("route: " .. problem, 2) end
  must(self, "route " .. pattern, lib.dog_engine_route(self._pointer, pattern, class, name))
  self._patterns[#self._patterns + 1] = pattern
  return self
end

-- For requests that no route matches: fetch(request) answers, or returns a class and a name to forward to.
function Engine:on_fetch(fetch)
  if type(fetch) ~= "function" then error("on_fetch: a function is wanted", 2) end
  must(self, "on_fetch", lib.dog_engine_on_fetch(self._pointer, nil, nil))
  self._fetch = fetch
  return self
end

local function host_text(host) return host:find ":" and "[" .. host .. "]" or host end

-- A listener by the members of dog_listen_options_t, or just a port. Gives the port that it has.
function Engine:listen(options)
  if type(options) == "number" then options = { port = options } end
  local struct = initial("dog_listen_options_t", lib.dog_listen_options_init)
  fill("listen", struct, "dog_listen_options_t", options or {}, LISTEN_RESERVED)
  local port = ffi.new "uint16_t[1]"
  local place = options and options.path or (options and options.host or "127.0.0.1")
    .. ":" .. (options and options.port or 0)
  must(self, "listen " .. place, lib.dog_engine_listen_with(self._pointer, struct, port))
  local scheme = options and options.certificates and "https" or "http"
  local where = options and options.path and "unix:" .. options.path
    or ("%s://%s:%d"):format(scheme, host_text(options and options.host or "127.0.0.1"), port[0])
  self._places[#self._places + 1] = where
  return port[0]
end

function Engine:reload_certificates()
  local status = tonumber(lib.dog_engine_reload_certificates(self._pointer))
  if status == OK then return true end
  return nil, STATUS[status]
end

function Engine:start()
  must(self, "start", lib.dog_engine_start(self._pointer))
  self._is_started = true
  for _, place in ipairs(self._places) do self:_say("info", "listening on " .. place) end
  return self
end

-- Begins to stop; events go on until `step` returns false. Handlers that wait then, above all onstop and onclose, have
-- the rest of the grace.
function Engine:stop(grace_ms)
  if not self._is_stopped then
    local is_stopping, status = outcome(lib.dog_engine_stop(self._pointer, grace_ms or 0))
    if not is_stopping then return nil, status end
  end
  self._stop_until = math.min(self._stop_until, now_ms() + (grace_ms or 0))
  return true
end

-- Ends the engine at once. Handlers that still wait never go on.
function Engine:destroy()
  if not self._pointer then return end
  if engine_of[running()] == self then error("destroy: not in a handler; stop is for that", 2) end
  ffi.gc(self._pointer, nil)
  lib.dog_engine_destroy(self._pointer)
  if self._release_signals then self._release_signals() end
  self._is_stopped = true
  self._event, self._event_count = 0, 0
  self._waiting, self._waiting_count, self._timers, self._ready, self._idle = {}, 0, {}, {}, {}
  self._ready_first, self._ready_last = 1, 0
  self._objects, self._gateways, self._streams = {}, {}, {}
end

function Engine:stats()
  local struct = ffi.new "dog_stats_t"
  struct.size = ffi.sizeof(struct)
  local status = tonumber(lib.dog_engine_stats(self._pointer, struct))
  if status ~= OK then return failure(status) end
  return counts_of(struct, ENGINE_COUNTS)
end

-- A descriptor that is readable as long as an event waits: for a loop of the program's own, with step(0).
function Engine:fd()
  local out = ffi.new "int[1]"
  must(self, "fd", lib.dog_engine_wait_fd(self._pointer, out))
  return out[0]
end

-- ---- events ---------------------------------------------------------------------------------------------------------

-- Where the members of an event are, in words of 32 bits.
local EVENT_WORDS = ffi.sizeof "dog_event_t" / 4
local function word_of(member) return ffi.offsetof("dog_event_t", member) / 4 end
local TYPE, STATUS_WORD, KIND_WORD, CODE, CLEAN = word_of "type", word_of "status", word_of "kind", word_of "code",
  word_of "clean"
local LOW, HIGH = ffi.abi "le" and 0 or 1, ffi.abi "le" and 1 or 0
local SHARD, SOCKET, GATEWAY = word_of "shard", word_of "socket", word_of "gateway"

local function user_of(event) return tonumber(ffi.cast("uintptr_t", event.user)) end
local function data_of(event) return ffi.string(event.data, event.length) end

local function shard_at(engine, base)
  return find_object(engine._objects, engine._words[base + SHARD + LOW], engine._words[base + SHARD + HIGH])
end

local function socket_at(engine, base)
  return find_object(engine._objects, engine._words[base + SOCKET + LOW], engine._words[base + SOCKET + HIGH])
end

-- The object of a handle, made when it is first seen: of that class, and with that name or the one that it tells.
local function gateway_of(engine, handle, low, high, class, name)
  local gateway = find_object(engine._gateways, low, high)
  if gateway then return gateway end
  gateway = setmetatable({
    engine = engine,
    name = name or text_of(lib.dog_gateway_name(handle, text_out, length_out)),
    _handle = handle,
    _class = class,
  }, definition_of(class).meta)
  add_object(engine._gateways, gateway, low, high)
  return gateway
end

local function gateway_at(engine, event, base, class, name)
  local words = engine._words
  return gateway_of(engine, event.gateway, words[base + GATEWAY + LOW], words[base + GATEWAY + HIGH], class, name)
end

function Engine:_class_named(name)
  for _, class in ipairs(self._classes) do
    local definition = definition_of(class)
    if definition.kind == "gateway" and definition.name == name then return class end
  end
end

-- The Gateway `name` of a class, if it is alive; else nil.
function Engine:find(class, name)
  class = dog.name_of(class)
  local out = ffi.new "dog_gateway_t[1]"
  local status = tonumber(lib.dog_gateway_find(self._pointer, class, #class, name, #name, out))
  if status == ENOENT then return nil end
  if status ~= OK then return failure(status) end
  local halves = ffi.cast("int32_t *", out)
  -- It may be alive before its first event was delivered: then its name cannot be read yet.
  return gateway_of(self, out[0], halves[LOW], halves[HIGH], self:_class_named(class), name)
end

-- ---- questions

local function new_request(engine, event, gateway, shard)
  return setmetatable({ engine = engine, gateway = gateway, shard = shard, _handle = event.request }, Request)
end

local REFUSALS = { [403] = "403 Forbidden\n", [404] = "404 Not Found\n", [500] = "500 Internal Server Error\n" }

-- As the engine's own refusals look.
local function refuse(request, status)
  return request:respond(status, REFUSALS[status], { ["Content-Type"] = "text/plain; charset=utf-8" })
end

-- What a handler returned is the answer, unless it gave one itself. A number is a status, with body and headers.
local function answer_with(request, otherwise, first, body, headers)
  if request._is_answered then return end
  if type(first) == "number" then
    request:respond(first, body, headers)
  elseif first ~= nil and first ~= false then
    otherwise(request, first, body, headers)
  else
    return true
  end
end

local function unanswered(what) error(what .. " ended without an answer", 0) end

local function give_uid(request, uid)
  if type(uid) ~= "string" then error("identify returned a " .. type(uid) .. "; a uid is a string", 0) end
  request:identify(uid)
end

local function give_id(request, id)
  if type(id) ~= "string" then error("clusterize returned a " .. type(id) .. "; an id is a string", 0) end
  request:clusterize(id)
end

local function give_content(request, content, headers)
  if type(content) ~= "string" and type(content) ~= "table" then
    error("a handler returned a " .. type(content) .. "; it answers, or returns a status or content", 0)
  end
  request:respond(200, content, headers)
end

local function give_target(request, first, name, ...)
  if definition_of(first) then
    request:forward(first, name)
  else
    give_content(request, first, name, ...)
  end
end

local function ask_identify(gateway, request)
  if answer_with(request, give_uid, gateway:identify(request)) then refuse(request, 403) end
end

local function ask_clusterize(gateway, request)
  if answer_with(request, give_id, gateway:clusterize(request)) then unanswered "clusterize" end
end

local function ask_receive(shard, request)
  if answer_with(request, give_content, shard:receive(request)) then unanswered "receive" end
end

local function ask_fetch(fetch, request)
  if answer_with(request, give_target, fetch(request)) then refuse(request, 404) end
end

local function ask(engine, request, class, what, question, self)
  local is_well, failed = xpcall(question, trace, self, request)
  if is_well then return end
  engine:_report(class and definition_of(class).name .. "." .. what or what, failed)
  -- If it was answered already, this changes nothing. A response that was begun is not whole, so it is cut off.
  if request._stream then
    lib.dog_request_respond_abort(request._handle)
  else
    refuse(request, 500)
  end
end

local Gossip = {}
Gossip.__index = Gossip

function Gossip:reply(data)
  data = bytes(data or "")
  self._is_answered = true
  return outcome(lib.dog_gossip_reply(self._handle, data, #data))
end

function Gossip:fail(text)
  text = tostring(text)
  self._is_answered = true
  return outcome(lib.dog_gossip_fail(self._handle, text, #text))
end

local function ask_gossip(shard, question, gossip)
  local reply = shard:ongossip(question, gossip)
  if not gossip._is_answered then gossip:reply(reply) end
end

-- ---- handlers without an answer

local function call(engine, self, what, ...)
  local handler = self[what]
  if not handler then return true end
  local is_well, failed = xpcall(handler, trace, self, ...)
  if not is_well then failed = engine:_report(definition_of(self._class).name .. "." .. what, failed) end
  return is_well, failed
end

-- The handler of a socket failed: what the engine itself would do for a callback.
local function fail_socket(engine, shard, socket, failed)
  call(engine, shard, "onerror", socket, "DOG_EHOST", failed.text)
  lib.dog_socket_close(socket._handle, 1011, nil, 0)
end

-- Runs a handler of a socket: now; or, in an ordered class, behind those of this socket that came before and are not
-- done. An event that waits here counts as a handler that waits.
local function in_turn(engine, shard, socket, run, is_bounded, ...)
  if not shard._is_ordered then return run(engine, shard, socket, ...) end
  if socket._turns then
    if is_bounded and engine._waiting_count >= engine._handlers_max then
      if not socket._is_overrun then
        engine:_report("ordered", { trace = sentence(EFULL, "handlers_max handlers wait already") })
        lib.dog_socket_close(socket._handle, 1013, nil, 0)
      end
      socket._is_overrun = true
      return
    end
    -- Events after a message that was not taken are not taken either.
    if is_bounded and socket._is_overrun then return end
    engine._waiting_count = engine._waiting_count + 1
    socket._turns[#socket._turns + 1] = { run, select("#", ...), ... }
    return
  end
  socket._turns = {}
  run(engine, shard, socket, ...)
  while socket._turns[1] do
    -- All at once, so that a long queue is not moved up once for each.
    local turns = socket._turns
    socket._turns = {}
    for _, turn in ipairs(turns) do
      engine._waiting_count = engine._waiting_count - 1
      turn[1](engine, shard, socket, unpack(turn, 3, turn[2] + 2))
    end
  end
  socket._turns = nil
end

local function run_open(engine, shard, socket)
  local is_well, failed = call(engine, shard, "onopen", socket)
  if not is_well then fail_socket(engine, shard, socket, failed) end
end

local function run_message(engine, shard, socket, data, kind)
  local is_well, failed = xpcall(shard.onmessage, trace, shard, socket, data, kind)
  if is_well then return end
  failed = engine:_report(definition_of(shard._class).name .. ".onmessage", failed)
  fail_socket(engine, shard, socket, failed)
end

local function run_close(engine, shard, socket, ...) call(engine, shard, "onclose", socket, ...) end
local function run_error(engine, shard, socket, ...) call(engine, shard, "onerror", socket, ...) end
local function run_drain(engine, shard, socket, ...) call(engine, shard, "ondrain", socket, ...) end

-- What is done for each type of event. `base` is where its words begin.
local on = {}

on[tonumber(lib.DOG_EVENT_FETCH)] = function(engine, event)
  ask(engine, new_request(engine, event), nil, "fetch", ask_fetch, engine._fetch)
end

on[tonumber(lib.DOG_EVENT_IDENTIFY)] = function(engine, event, base)
  local class = engine._classes[user_of(event)]
  local gateway = gateway_at(engine, event, base, class, data_of(event))
  ask(engine, new_request(engine, event, gateway), class, "identify", ask_identify, gateway)
end

on[tonumber(lib.DOG_EVENT_CLUSTERIZE)] = function(engine, event, base)
  local class = engine._classes[user_of(event)]
  local gateway = gateway_at(engine, event, base, class, data_of(event))
  ask(engine, new_request(engine, event, gateway), class, "clusterize", ask_clusterize, gateway)
end

on[tonumber(lib.DOG_EVENT_RECEIVE)] = function(engine, event, base)
  local shard = shard_at(engine, base)
  ask(engine, new_request(engine, event, shard.gateway, shard), shard._class, "receive", ask_receive, shard)
end

on[tonumber(lib.DOG_EVENT_GOSSIP)] = function(engine, event, base)
  local shard = shard_at(engine, base)
  local gossip = setmetatable({ _handle = event.gossip }, Gossip)
  local is_well, failed = xpcall(ask_gossip, trace, shard, data_of(event), gossip)
  if is_well then return end
  failed = engine:_report(definition_of(shard._class).name .. ".ongossip", failed)
  gossip:fail(failed.text)
end

on[tonumber(lib.DOG_EVENT_RETIRE)] = function(engine, event, base)
  local gateway = gateway_at(engine, event, base, engine._classes[user_of(event)], data_of(event))
  remove_object(engine._gateways, gateway)
  wake_pending(engine, gateway)
  call(engine, gateway, "onretire")
end

on[tonumber(lib.DOG_EVENT_START)] = function(engine, event, base)
  local class = engine._classes[user_of(event)]
  local words = engine._words
  local parent = engine:_class_named(ffi.string(definition_of(class).struct.parent))
  local shard = setmetatable({
    engine = engine,
    id = data_of(event),
    gateway = gateway_at(engine, event, base, parent),
    _handle = event.shard,
    _class = class,
    _sockets = {},
    _count = 0,
    _is_ordered = definition_of(class).is_ordered,
  }, definition_of(class).meta)
  add_object(engine._objects, shard, words[base + SHARD + LOW], words[base + SHARD + HIGH])
  if not class.onstart then return end
  local is_well = call(engine, shard, "onstart")
  lib.dog_shard_started(shard._handle, is_well and OK or EHOST)
end

on[tonumber(lib.DOG_EVENT_STOP)] = function(engine, _, base)
  local shard = shard_at(engine, base)
  remove_object(engine._objects, shard)
  wake_pending(engine, shard)
  call(engine, shard, "onstop")
end

on[tonumber(lib.DOG_EVENT_OPEN)] = function(engine, event, base)
  local shard, words = shard_at(engine, base), engine._words
  local socket = setmetatable({ shard = shard, uid = data_of(event), _handle = event.socket }, Socket)
  add_object(engine._objects, socket, words[base + SOCKET + LOW], words[base + SOCKET + HIGH])
  shard._sockets[socket] = true
  shard._count = shard._count + 1
  in_turn(engine, shard, socket, run_open, false)
end

on[tonumber(lib.DOG_EVENT_MESSAGE)] = function(engine, event, base)
  local socket = socket_at(engine, base)
  local shard = socket.shard
  if not shard.onmessage then return end
  in_turn(engine, shard, socket, run_message, true, data_of(event), KIND_NAME[engine._words[base + KIND_WORD]])
end

on[tonumber(lib.DOG_EVENT_CLOSE)] = function(engine, event, base)
  local socket = socket_at(engine, base)
  local shard = socket.shard
  remove_object(engine._objects, socket)
  shard._sockets[socket] = nil
  shard._count = shard._count - 1
  wake_pending(engine, socket)
  local code, is_clean = engine._words[base + CODE], engine._words[base + CLEAN] ~= 0
  in_turn(engine, shard, socket, run_close, false, code, data_of(event), is_clean)
end

on[tonumber(lib.DOG_EVENT_ERROR)] = function(engine, _, base)
  local socket = socket_at(engine, base)
  local status = engine._words[base + STATUS_WORD]
  in_turn(engine, socket.shard, socket, run_error, false, STATUS[status], ffi.string(lib.dog_status_text(status)))
end

on[tonumber(lib.DOG_EVENT_DRAIN)] = function(engine, event, base)
  local socket = socket_at(engine, base)
  in_turn(engine, socket.shard, socket, run_drain, false, tonumber(event.count))
end

-- The object that asked; nil if it is gone: then nobody waits any more.
local function asker_at(engine, event, base)
  local words = engine._words
  return socket_at(engine, base) or shard_at(engine, base)
    or find_object(engine._gateways, words[base + GATEWAY + LOW], words[base + GATEWAY + HIGH])
end

on[tonumber(lib.DOG_EVENT_WHISPERED)] = function(engine, event, base)
  local status = engine._words[base + STATUS_WORD]
  if status == OK then
    wake(engine, user_of(event), asker_at(engine, event, base), tonumber(event.count))
  else
    wake(engine, user_of(event), asker_at(engine, event, base), nil, STATUS[status])
  end
end

on[tonumber(lib.DOG_EVENT_GOSSIPED)] = function(engine, event, base)
  local failed = engine._words[base + STATUS_WORD]
  if failed ~= OK then return wake(engine, user_of(event), shard_at(engine, base), nil, STATUS[failed]) end
  local answers = {}
  for index = 0, tonumber(event.count) - 1 do
    local result = event.results[index]
    local status = tonumber(result.status)
    local has_data = status == OK or status == tonumber(lib.DOG_EHOST)
    answers[index + 1] = {
      shard_id = ffi.string(result.shard_id, result.shard_id_length),
      status = STATUS[status],
      data = has_data and ffi.string(result.data, result.length) or nil,
    }
  end
  wake(engine, user_of(event), shard_at(engine, base), answers)
end

on[tonumber(lib.DOG_EVENT_WRITABLE)] = function(engine, event)
  local stream = engine._streams[user_of(event)]
  if stream then wake_stream(engine, stream) end
end

on[tonumber(lib.DOG_EVENT_ENDED)] = function(engine, event, base)
  local id = user_of(event)
  local stream = engine._streams[id]
  engine._streams[id] = nil
  stream.status = STATUS[engine._words[base + STATUS_WORD]]
  wake_stream(engine, stream)
end

on[tonumber(lib.DOG_EVENT_LOG)] = function(engine, event, base)
  local line = data_of(event)
  if not engine._log_hook then return end
  local is_well, failed = xpcall(engine._log_hook, trace, LOG_LEVEL[engine._words[base + CODE]], line)
  if not is_well then engine:_report("log", failed) end
end

on[tonumber(lib.DOG_EVENT_STOPPED)] = function(engine) engine._is_stopped = true end

-- ---- running --------------------------------------------------------------------------------------------------------

-- Handles events as long as this coroutine is the dispatcher and nobody is ready to go on. The loop is on plain locals
-- and arrays: this is what the JIT compiler compiles.
local function dispatch(engine, me)
  local events, words = engine._events, engine._words
  while engine._dispatcher == me and engine._event < engine._event_count
    and engine._ready_first > engine._ready_last do
    local index = engine._event
    engine._event = index + 1
    local base = index * EVENT_WORDS
    local handle = on[words[base + TYPE]]
    -- A library that is newer than this file may have more types.
    if handle then handle(engine, events[index], base) end
  end
end

-- The life of a coroutine: events, or a task; then it waits for more.
local function work(engine, task)
  local me = running()
  while true do
    if task then
      local is_well, failed = xpcall(task, trace)
      if not is_well then engine:_report("spawn", failed) end
    else
      dispatch(engine, me)
    end
    local idle = engine._idle
    if #idle >= IDLE_WORKERS_MAX then return end
    idle[#idle + 1] = me
    task = yield()
  end
end

-- An idle coroutine, or a new one, and what its first resume must be given.
local function take_worker(engine)
  local worker = table.remove(engine._idle)
  if worker then return worker, true end
  worker = coroutine.create(work)
  engine_of[worker] = engine
  return worker, false
end

local function set_to_work(engine, worker, is_used, task)
  if is_used then return switch(engine, worker, task) end
  return switch(engine, worker, engine, task)
end

-- Runs a function as a handler is run: it may wait.
function Engine:spawn(task, ...)
  if type(task) ~= "function" then error("spawn: a function is wanted", 2) end
  local count, arguments = select("#", ...), { ... }
  local function run() return task(unpack(arguments, 1, count)) end
  if not self._stepping then
    local worker, is_used = take_worker(self)
    return set_to_work(self, worker, is_used, run)
  end
  self._ready_last = self._ready_last + 1
  self._ready[self._ready_last] = run
end

local function run_ready(engine)
  local first = engine._ready_first
  local item = engine._ready[first]
  engine._ready[first] = nil
  engine._ready_first = first + 1
  if type(item) == "function" then
    local worker, is_used = take_worker(engine)
    set_to_work(engine, worker, is_used, item)
  else
    switch(engine, item[1], unpack(item, 3, item[2] + 2))
  end
end

local function run_timers(engine)
  local timers = engine._timers
  if not timers[1] then return end
  local now = now_ms()
  while timers[1] and timers[1].due <= now do wake(engine, pop_timer(timers).id) end
end

-- The engine has stopped, but handlers wait and the grace is not over.
local function is_lingering(engine)
  return engine._is_stopped and engine._waiting_count > 0 and now_ms() < engine._stop_until
end

-- Milliseconds until there is something to do without an event, a sleeper to be woken say; nil if there is nothing.
function Engine:timeout()
  local first = self._timers[1]
  local due = first and first.due
  if is_lingering(self) then due = math.min(due or math.huge, self._stop_until) end
  return due and math.max(0, math.ceil(due - now_ms()))
end

-- After the engine has stopped: waits for handlers that wait. False: none can go on any more, or the grace is over.
local function linger(engine, timeout_ms)
  -- Without events only a sleeper can wake, or a coroutine that comes back from `step`.
  if not is_lingering(engine) or timeout_ms < 0 and not engine._timers[1] then return false end
  local timeout = engine:timeout()
  if timeout_ms >= 0 then timeout = math.min(timeout, timeout_ms) end
  timeout = math.min(timeout, 86400000)
  if engine._signals then
    engine._signals(engine, timeout)
  else
    ffi.C.dog_lua_pause(nil, 0, timeout)
  end
  return true
end

local function wait_for_events(engine, timeout_ms)
  local timeout = math.min(timeout_ms, 86400000)
  local sleep = engine:timeout()
  if sleep and (timeout < 0 or sleep < timeout) then timeout = math.min(sleep, 86400000) end
  if engine._signals then timeout = engine._signals(engine, timeout) end
  local status = lib.dog_engine_poll(engine._pointer, engine._events, EVENTS_AT_ONCE, timeout, engine._count_out)
  if status ~= OK then return failure(tonumber(status)) end
  engine._event, engine._event_count = 0, tonumber(engine._count_out[0])
end

-- Waits for events for at most so long (0: not at all; -1: as long as it takes) and handles them. False: it stopped.
function Engine:step(timeout_ms)
  if engine_of[running()] then error("step: not in a handler", 2) end
  if self._event == self._event_count then
    if not self._is_stopped then
      wait_for_events(self, timeout_ms or -1)
    elseif not linger(self, timeout_ms or -1) then
      if self._waiting_count > 0 then
        self:_say("warn", self._waiting_count .. " handlers that waited were cut off at the stop")
        self._waiting, self._waiting_count, self._timers = {}, 0, {}
      end
      return false
    end
  end
  self._stepping = true
  run_timers(self)
  while true do
    if self._ready_first <= self._ready_last then
      run_ready(self)
    elseif self._event < self._event_count then
      local worker, is_used = take_worker(self)
      self._dispatcher = worker
      set_to_work(self, worker, is_used)
      self._dispatcher = nil
    else
      break
    end
  end
  self._stepping = false
  return not self._is_stopped or self._waiting_count > 0
end

-- Starts, if it was not started, and serves until the engine has stopped.
function Engine:run()
  if not self._is_started then self:start() end
  while self:step(-1) do end
  self:destroy()
end

-- ---- signals --------------------------------------------------------------------------------------------------------

--[[
Lets SIGINT and SIGTERM stop the engine with that grace; the program ends once `run` has returned. Before start: the
workers' threads inherit that these signals are blocked, so that they come to a descriptor (signalfd, of Linux) which
`step` watches. Children of the program inherit it too. The second signal stops with no grace.
]]
function Engine:stop_on_signals(grace_ms)
  if ffi.os ~= "Linux" then error("stop_on_signals: only Linux has what this needs", 2) end
  if self._is_started then error("stop_on_signals: before start", 2) end
  if self._signals then error("stop_on_signals: it does already", 2) end
  ffi.cdef [[
  typedef struct { unsigned long bits[16]; } dog_lua_signals_t;
  typedef struct { int descriptor; short wanted; short got; } dog_lua_watch_t;
  int dog_lua_signals_clear(dog_lua_signals_t *) __asm__("sigemptyset");
  int dog_lua_signals_add(dog_lua_signals_t *, int) __asm__("sigaddset");
  int dog_lua_signals_mask(int, const dog_lua_signals_t *, dog_lua_signals_t *) __asm__("pthread_sigmask");
  int dog_lua_signals_open(int, const dog_lua_signals_t *, int) __asm__("signalfd");
  int dog_lua_watch(dog_lua_watch_t *, unsigned long, int) __asm__("poll");
  ptrdiff_t dog_lua_read(int, void *, size_t) __asm__("read");
  int dog_lua_close(int) __asm__("close");
  ]]
  local C = ffi.C
  local SIGINT, SIGTERM, SIG_BLOCK, SIG_SETMASK, POLLIN, CLOSE_ON_EXEC = 2, 15, 0, 2, 1, 0x80000
  local signals, before = ffi.new "dog_lua_signals_t", ffi.new "dog_lua_signals_t"
  C.dog_lua_signals_clear(signals)
  C.dog_lua_signals_add(signals, SIGINT)
  C.dog_lua_signals_add(signals, SIGTERM)
  local descriptor = C.dog_lua_signals_open(-1, signals, CLOSE_ON_EXEC)
  if descriptor < 0 then error("stop_on_signals: no descriptor is to be had", 2) end
  C.dog_lua_signals_mask(SIG_BLOCK, signals, before)

  local watched, information = ffi.new("dog_lua_watch_t[2]"), ffi.new "char[128]"
  watched[0].descriptor, watched[0].wanted = self:fd(), POLLIN
  watched[1].descriptor, watched[1].wanted = descriptor, POLLIN
  local grace = grace_ms or 0
  -- Waits in place of dog_engine_poll, which then has a timeout of 0.
  function self._signals(engine, timeout)
    if engine._is_stopped then watched[0].descriptor = -1 end -- there are no events any more
    C.dog_lua_watch(watched, 2, timeout)
    if bit.band(watched[1].got, POLLIN) ~= 0 and C.dog_lua_read(descriptor, information, 128) > 0 then
      engine:stop(grace)
      grace = 0
    end
    return 0
  end
  function self._release_signals()
    self._signals, self._release_signals = nil, nil
    C.dog_lua_close(descriptor)
    C.dog_lua_signals_mask(SIG_SETMASK, before, nil)
  end
  return self
end

return dog
