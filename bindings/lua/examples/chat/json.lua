--[[
JSON (RFC 8259), as much as a chat needs and strict about it: what is not JSON to the letter is nil and a reason.

Arrays are tables from 1 to n, and an empty table is an empty array. null is nil: a member that is null is not there.
Nesting ends at 32 levels. A program with more to say would use lua-cjson or dkjson; they have the same two functions.
]]
local json = {}

local DEPTH_MAX = 32
local SHORT = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local LONG = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

-- ---- encode

local function quote(text)
  return '"' .. text:gsub('[%c"\\]', function(byte) return SHORT[byte] or ("\\u%04x"):format(byte:byte()) end) .. '"'
end

local encoders = { boolean = tostring, string = quote }

function encoders.number(number)
  if number ~= number or number == math.huge or number == -math.huge then error("JSON has no " .. number, 0) end
  return number % 1 == 0 and ("%.0f"):format(number) or ("%.17g"):format(number)
end

function encoders.table(value, depth)
  if depth > DEPTH_MAX then error("this is nested too deep for JSON", 0) end
  local parts = {}
  if next(value) == nil or value[1] ~= nil then
    for index, item in ipairs(value) do parts[index] = json.encode(item, depth) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, item in pairs(value) do
    parts[#parts + 1] = quote(tostring(name)) .. ":" .. json.encode(item, depth)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

function json.encode(value, depth)
  local encoder = encoders[type(value)] or error("JSON has no " .. type(value), 2)
  return encoder(value, (depth or 0) + 1)
end

-- ---- decode. Each reader takes a place in the text and gives a value and the place behind it; what is wrong is an
-- error, caught at the top.

local read_value

local function fail(place, what) error({ what = what .. " at byte " .. place }, 0) end

local function skip(text, place) return text:find("[^ \t\n\r]", place) or #text + 1 end

local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xc0 + math.floor(code / 0x40), 0x80 + code % 0x40) end
  local last, middle = 0x80 + code % 0x40, 0x80 + math.floor(code / 0x40) % 0x40
  if code < 0x10000 then return string.char(0xe0 + math.floor(code / 0x1000), middle, last) end
  return string.char(0xf0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40, middle, last)
end

local function hex(text, place)
  local digits = text:match("^\\u(%x%x%x%x)", place) or fail(place, "no \\u and four digits")
  return tonumber(digits, 16)
end

-- An escaped character, of which two may make one (RFC 8259, section 7).
local function read_unicode(text, place)
  local code = hex(text, place)
  if code >= 0xdc00 and code <= 0xdfff then fail(place, "half of a character") end
  if code < 0xd800 or code > 0xdbff then return utf8(code), place + 6 end
  local low = hex(text, place + 6)
  if low < 0xdc00 or low > 0xdfff then fail(place, "half of a character") end
  return utf8(0x10000 + (code - 0xd800) * 0x400 + low - 0xdc00), place + 12
end

local function read_string(text, place)
  local parts, start = {}, place
  place = place + 1
  while true do
    local stop = text:find('[%c"\\]', place) or fail(start, "a string without an end")
    parts[#parts + 1] = text:sub(place, stop - 1)
    local byte = text:sub(stop, stop)
    if byte == '"' then return table.concat(parts), stop + 1 end
    if byte ~= "\\" and byte ~= "\127" then fail(stop, "a control character") end
    local after = text:sub(stop + 1, stop + 1)
    if byte == "\127" then
      parts[#parts + 1], place = byte, stop + 1
    elseif after == "u" then
      parts[#parts + 1], place = read_unicode(text, stop)
    else
      parts[#parts + 1], place = LONG[after] or fail(stop, "an escape that is none"), stop + 2
    end
  end
end

local function read_number(text, place)
  local whole = text:match("^-?0", place) or text:match("^-?[1-9]%d*", place) or fail(place, "no value")
  local after = place + #whole
  local rest = (text:match("^%.%d+", after) or "")
  rest = rest .. (text:match("^[eE][+-]?%d+", after + #rest) or "")
  return tonumber(whole .. rest), after + #rest
end

-- What is between brackets: `read_item` takes the items, `close` ends them.
local function read_items(text, place, close, read_item)
  place = skip(text, place + 1)
  if text:sub(place, place) == close then return place + 1 end
  while true do
    place = skip(text, read_item(place))
    local byte = text:sub(place, place)
    if byte == close then return place + 1 end
    if byte ~= "," then fail(place, "no , or " .. close) end
    place = skip(text, place + 1)
  end
end

local function read_array(text, place, depth)
  local array, count = {}, 0
  return array, read_items(text, place, "]", function(at)
    count = count + 1
    array[count], at = read_value(text, at, depth)
    return at
  end)
end

local function read_object(text, place, depth)
  local object = {}
  return object, read_items(text, place, "}", function(at)
    if text:sub(at, at) ~= '"' then fail(at, "no name of a member") end
    local name
    name, at = read_string(text, at)
    at = skip(text, at)
    if text:sub(at, at) ~= ":" then fail(at, "no :") end
    object[name], at = read_value(text, skip(text, at + 1), depth)
    return at
  end)
end

local WORDS = { ["true"] = true, ["false"] = false, null = nil }

function read_value(text, place, depth)
  if depth > DEPTH_MAX then fail(place, "nested too deep") end
  local byte = text:sub(place, place)
  if byte == '"' then return read_string(text, place) end
  if byte == "{" then return read_object(text, place, depth + 1) end
  if byte == "[" then return read_array(text, place, depth + 1) end
  local word = text:match("^%l+", place)
  if word == "true" or word == "false" or word == "null" then return WORDS[word], place + #word end
  return read_number(text, place)
end

function json.decode(text)
  local is_well, value, place = pcall(read_value, text, skip(text, 1), 1)
  if not is_well then
    if type(value) ~= "table" then error(value, 0) end
    return nil, value.what
  end
  place = skip(text, place)
  if place <= #text then return nil, "more than one value, at byte " .. place end
  return value
end

return json
