-- Unit checks of what dog.lua keeps to itself, reached through the upvalues of what it shows. Prints `ok` at the end.
local dog = require "dog"

local Engine = getmetatable(dog.engine { workers = 1 })

-- The local of that name which a function refers to, or a function that it uses, be it one in a table.
local function find_below(from, name, seen)
  if seen[from] then return nil end
  seen[from] = true
  if type(from) == "table" then
    for _, value in next, from do
      local found = type(value) == "function" and find_below(value, name, seen)
      if found then return found end
    end
    return nil
  end
  for index = 1, math.huge do
    local upvalue, value = debug.getupvalue(from, index)
    if not upvalue then return nil end
    if upvalue == name then return value end
    local is_searched = type(value) == "function" or type(value) == "table"
    local found = is_searched and find_below(value, name, seen)
    if found then return found end
  end
end

local function find_local(name)
  for _, shown in ipairs { dog, Engine } do
    for _, value in pairs(shown) do
      local found = type(value) == "function" and find_below(value, name, {})
      if found then return found end
    end
  end
  error("dog.lua has no " .. name)
end

local function test_timers_come_out_in_the_order_of_their_time()
  local push, pop = find_local "push_timer", find_local "pop_timer"
  math.randomseed(7)
  for size = 0, 200 do
    local timers, times = {}, {}
    for id = 1, size do
      times[id] = math.random(1, 50)
      push(timers, times[id], id)
    end
    table.sort(times)
    for index = 1, size do
      local timer = pop(timers)
      assert(timer.due == times[index], "seed 7, size " .. size)
      assert(#timers == size - index)
    end
  end
end

local function test_timers_come_and_go()
  local push, pop = find_local "push_timer", find_local "pop_timer"
  math.randomseed(11)
  local timers, model = {}, {}
  for step = 1, 5000 do
    if math.random() < 0.55 or #model == 0 then
      local due = math.random(1, 1000)
      push(timers, due, step)
      model[#model + 1] = due
      table.sort(model)
    else
      assert(pop(timers).due == table.remove(model, 1), "seed 11, step " .. step)
    end
    assert(#timers == #model)
  end
end

-- Handles whose halves come to one key: low xor high is the same for all of these.
local function test_objects_are_told_apart_by_both_halves()
  local add, find, remove = find_local "add_object", find_local "find_object", find_local "remove_object"
  for removed = 1, 4 do
    local objects, list = {}, {}
    for index = 1, 4 do
      list[index] = {}
      add(objects, list[index], index, bit.bxor(index, 99))
    end
    assert(find(objects, 5, bit.bxor(5, 99)) == nil)
    remove(objects, list[removed])
    remove(objects, list[removed])
    for index = 1, 4 do
      assert(find(objects, index, bit.bxor(index, 99)) == (index ~= removed and list[index] or nil))
    end
    for index = 1, 4 do remove(objects, list[index]) end
    assert(next(objects) == nil)
  end
end

local function test_the_declarations_have_no_preprocessor_and_no_cpp()
  -- Used while the file is loaded and not kept: so it is taken from the text.
  local file = assert(io.open((arg[1]), "rb"))
  local text = file:read("*a"):match "(local function declarations%(header%).-\nend)\n"
  file:close()
  local declarations = assert(loadstring(text .. "\nreturn declarations"))()
  assert(declarations "a;\n#ifdef __cplusplus\nextern \"C\" {\n#endif\nb;\n#define X(a) \\\n  a \\\n  b\nc;\n"
    == "a;\nb;\nc;")
  assert(declarations "#ifdef __cplusplus\n}\n#endif\n#endif /* DOG_H */\n" == "")
  assert(declarations "int a; /* # no directive */\n" == "int a; /* # no directive */")
end

local function test_the_status_in_an_error()
  assert(dog.status "x.lua:1: DOG_EINVAL: an argument is not valid" == "DOG_EINVAL")
  assert(dog.status "no status" == nil)
  assert(dog.status(nil) == nil)
  assert(dog.status "MY_DOG_EATS" == nil)
end

test_timers_come_out_in_the_order_of_their_time()
test_timers_come_and_go()
test_objects_are_told_apart_by_both_halves()
test_the_declarations_have_no_preprocessor_and_no_cpp()
test_the_status_in_an_error()
print "ok"
