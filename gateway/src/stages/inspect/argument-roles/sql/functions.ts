/** Functions that compute from their arguments and do nothing else, in the dialects that have them. */
const pure: ReadonlySet<string> = new Set(
  [
    'count sum avg min max every bool_and bool_or string_agg array_agg json_agg jsonb_agg group_concat stddev variance',
    'stddev_pop stddev_samp var_pop var_samp percentile_cont percentile_disc mode median total corr',
    'row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value',
    'abs ceil ceiling floor round trunc truncate sign sqrt power pow exp ln log log10 log2 mod div greatest least pi',
    'degrees radians sin cos tan asin acos atan atan2 width_bucket',
    'length char_length character_length octet_length lower upper lcase ucase initcap trim ltrim rtrim btrim substr',
    'substring left right lpad rpad replace reverse position strpos instr locate concat concat_ws split_part translate',
    'starts_with ascii char chr format printf to_char to_number len charindex patindex stuff string_to_array',
    'regexp_match regexp_matches regexp_replace regexp_like regexp_count regexp_substr regexp_instr',
    'coalesce nullif ifnull isnull nvl iif if case cast try_cast convert typeof pg_typeof',
    'now current_date current_time current_timestamp localtime localtimestamp date time datetime timestamp julianday',
    'unixepoch strftime date_trunc date_part extract age make_date make_interval make_timestamp to_date to_timestamp',
    'date_add date_sub datediff dateadd datepart datename timestampdiff timestampadd date_format str_to_date year quarter',
    'month week day dayofmonth dayofweek dayofyear hour minute second weekday last_day eomonth getdate curdate curtime',
    'unix_timestamp from_unixtime interval adddate subdate',
    'json_extract json_value json_query json_array_length json_object json_array json_type json_valid json_each',
    'json_extract_path json_extract_path_text jsonb_extract_path jsonb_extract_path_text json_build_object',
    'jsonb_build_object json_build_array jsonb_build_array json_array_elements jsonb_array_elements',
    'json_array_elements_text jsonb_array_elements_text jsonb_array_length jsonb_typeof json_typeof to_json to_jsonb',
    'array_length cardinality array_position array_to_string unnest array_append array_cat',
    'md5 sha256 encode decode hex unhex distinct xmlelement',
  ]
    .join(' ')
    .split(' '),
);

/** `name`: in lower case, without the schema of built-in functions. */
export function isPure(name: string): boolean {
  return pure.has(name);
}
