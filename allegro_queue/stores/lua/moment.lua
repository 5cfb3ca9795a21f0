-- A function for the scripts beside this file, put in front of them when they are loaded.
-- moment(seconds, microseconds): a Unix time as RQ writes it, such as 2026-11-24T17:20:48.000123Z.
-- The calendar is counted in days from 1 March of the year 0, so that a leap day ends its year.
local function moment(seconds, microseconds)
  local floor = math.floor
  local days = floor(seconds / 86400) + 719468
  local rest = seconds % 86400
  local era = floor(days / 146097)
  local day_of_era = days - era * 146097
  local year_of_era = floor((day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524)
    - floor(day_of_era / 146096)) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + floor(year_of_era / 4) - floor(year_of_era / 100))
  local month = floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - floor((153 * month + 2) / 5) + 1
  local year = year_of_era + era * 400
  if month < 10 then month = month + 3 else month = month - 9; year = year + 1 end
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day,
    floor(rest / 3600), floor(rest % 3600 / 60), rest % 60, microseconds)
end
