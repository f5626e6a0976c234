-- @noindex
-- A small window with a row and a bar for each remix that is on its way; a click on a row's cross gives it up, one on "hear"
-- plays its first sound.

local window = { MAX_ROWS = 8 }

local WIDTH, ROW_HEIGHT, MARGIN, CROSS_WIDTH, HEAR_WIDTH = 400, 40, 8, 20, 40
local FONT, FONT_SIZE = "Arial", 14
local LEFT_BUTTON, ESCAPE, CLOSED = 1, 27, -1
local PERIOD_SECONDS = 0.1

--- Open it. The place is REAPER's to choose the first time, then where the user left it.
-- @param n_rows how many remixes there are now
function window.open(n_rows)
  local rows = math.min(math.max(n_rows, 1), window.MAX_ROWS)
  gfx.init("daw_bridge", WIDTH, rows * ROW_HEIGHT + 3 * MARGIN, 0)
  gfx.setfont(1, FONT, FONT_SIZE)
  return { was_down = false, drawn_seconds = -1, is_open = true }
end

local function draw_text(text, x, y, red, green, blue)
  gfx.set(red, green, blue, 1)
  gfx.x, gfx.y = x, y
  gfx.drawstr(text)
end

local function draw_row(row, top)
  local width = gfx.w - 2 * MARGIN
  draw_text(row.name, MARGIN, top, 0.9, 0.9, 0.9)
  draw_text(row.words, MARGIN + width // 2, top, 0.7, 0.7, 0.7)
  if row.can_hear then draw_text("hear", gfx.w - MARGIN - CROSS_WIDTH - HEAR_WIDTH, top, 0.2, 0.6, 0.9) end
  draw_text("x", gfx.w - MARGIN - CROSS_WIDTH // 2, top, 0.9, 0.5, 0.3)
  gfx.set(0.25, 0.25, 0.25, 1)
  gfx.rect(MARGIN, top + 18, width, 8, 1)
  gfx.set(0.2, 0.6, 0.9, 1)
  gfx.rect(MARGIN, top + 18, math.floor(width * row.fraction), 8, 1)
end

local function draw(rows, headline)
  gfx.set(0.12, 0.12, 0.12, 1)
  gfx.rect(0, 0, gfx.w, gfx.h, 1)
  if #rows == 0 then draw_text(headline, MARGIN, MARGIN, 0.7, 0.7, 0.7) end
  for index, row in ipairs(rows) do
    draw_row(row, MARGIN + (index - 1) * ROW_HEIGHT)
  end
  gfx.update()
end

local function under_the_mouse(rows)
  local index = (gfx.mouse_y - MARGIN) // ROW_HEIGHT + 1
  local row, from_the_right = rows[index], gfx.w - MARGIN - gfx.mouse_x
  if not row or from_the_right > CROSS_WIDTH + HEAR_WIDTH then return nil end
  if from_the_right <= CROSS_WIDTH then return "give up", index end
  if row.can_hear then return "hear", index end
  return nil
end

--- Show how things stand, and take the user's click; to be called in each tick.
-- @param state as `open` gave it; `is_open` turns false when the user closes the window
-- @param get_rows function that gives a list of at most MAX_ROWS tables of name, words, fraction and can_hear; called ten times a
--   second at most
-- @param headline what stands there when there is no row
-- @return "give up" or "hear" and the number of the row where that was clicked, or nil
function window.step(state, now, get_rows, headline)
  if not state.is_open then return nil end
  local key = gfx.getchar()
  if key == CLOSED or key == ESCAPE then
    window.close(state)
    return nil
  end
  if now - state.drawn_seconds >= PERIOD_SECONDS then
    state.rows, state.drawn_seconds = get_rows(), now
    draw(state.rows, headline)
  end
  local is_down = gfx.mouse_cap & LEFT_BUTTON == LEFT_BUTTON
  local is_clicked = is_down and not state.was_down
  state.was_down = is_down
  if is_clicked then return under_the_mouse(state.rows) end
  return nil
end

--- Close it.
function window.close(state)
  if state.is_open then gfx.quit() end
  state.is_open = false
end

return window
