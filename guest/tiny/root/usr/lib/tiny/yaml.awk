# Flattens the YAML that cloud configuration is written in to lines "path<TAB>value": maps and lists in block and flow style, quoted and plain scalars,
# literal and folded blocks. Values have \\, \n and \t escaped. No anchors, tags or plain scalars over several lines.
function escape(s) { gsub(/\\/, "\\\\", s); gsub(/\n/, "\\n", s); gsub(/\t/, "\\t", s); return s }
function path(  i, p) {
  p = ""
  for (i = 1; i <= top; i++) p = p (i > 1 ? "." : "") key[i]
  return p
}
function out(p, v) { print p "\t" escape(v) }
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
# quoted reads the quoted scalar at P of S into Q and moves P behind it.
function quoted(  c, q, n) {
  q = substr(S, P++, 1); Q = ""
  while (P <= length(S)) {
    c = substr(S, P++, 1)
    if (c == q) {
      if (q == "'" && substr(S, P, 1) == "'") { Q = Q "'"; P++; continue }
      return
    }
    if (c == "\\" && q == "\"") {
      n = substr(S, P++, 1)
      if (n == "n") c = "\n"; else if (n == "t") c = "\t"; else if (n == "r") c = "\r"; else c = n
    }
    Q = Q c
  }
}
# atom reads a scalar inside a flow collection into Q.
function atom(stop,  c) {
  if (substr(S, P, 1) ~ /["']/) { quoted(); return }
  Q = ""
  while (P <= length(S)) {
    c = substr(S, P, 1)
    if (index(stop, c) && (c != ":" || substr(S, P + 1, 1) ~ /^[ ]?$/)) break
    Q = Q c; P++
  }
  Q = trim(Q)
}
function space() { while (substr(S, P, 1) == " ") P++ }
# flow reads the value at P of S, a collection or a scalar, and prints it under p.
function flow(p, depth,  c, n, k) {
  space(); c = substr(S, P, 1)
  if (depth > 20) { P = length(S) + 1; return }
  if (c != "[" && c != "{") { atom(",]}"); out(p, Q); return }
  P++
  for (n = 0; P <= length(S); n++) {
    space()
    if (substr(S, P, 1) ~ /[]}]/) { P++; return }
    if (c == "[") flow(p "." n, depth + 1)
    else {
      atom(":,}"); k = Q; space()
      if (substr(S, P, 1) == ":") { P++; flow(p "." k, depth + 1) }
    }
    space()
    if (substr(S, P, 1) == ",") P++
  }
}
function endblock() {
  if (!block) return
  if (chomp != "+") sub(/\n+$/, "", text)
  if (chomp == "" && text != "") text = text "\n"
  out(blockpath, text); block = 0
}
function value(v,  i) {
  v = trim(v)
  if (v == "" || v ~ /^#/ || v == "null" || v == "~") return
  if (v ~ /^[|>][-+0-9]*([ \t]+#.*)?$/) {
    block = 1; folded = substr(v, 1, 1) == ">"; text = ""; blockindent = -1; blockpath = path()
    chomp = v ~ /^.[0-9]*-/ ? "-" : v ~ /^.[0-9]*\+/ ? "+" : ""
    parent = indent; return
  }
  pending = 0; S = v; P = 1
  if (v ~ /^[[{]/) { flow(path(), 0); return }
  if (v ~ /^["']/) { quoted(); out(path(), Q); return }
  i = match(v, /[ \t]#/)
  if (i) v = trim(substr(v, 1, i - 1))
  out(path(), v)
}
BEGIN { top = 0; block = 0 }
{
  sub(/\r$/, "")
  match($0, /^ */); indent = RLENGTH
  if (block) {
    if ($0 ~ /^[ \t]*$/) { text = text (blockindent < 0 ? "" : substr($0, blockindent + 1)) "\n"; next }
    if (blockindent < 0 && indent > parent) blockindent = indent
    if (blockindent >= 0 && indent >= blockindent) {
      text = text substr($0, blockindent + 1) "\n"
      if (folded) { sub(/\n$/, " ", text) }
      next
    }
    endblock()
  }
  if ($0 ~ /^ *(#|$)/ || $0 ~ /^(---|\.\.\.)/) next
  rest = substr($0, indent + 1)
  while (rest ~ /^-( |$)/) {
    while (top && (at[top] > indent || (at[top] == indent && kind[top] == "map" && !pending))) top--
    if (top && at[top] == indent && kind[top] == "list") key[top]++
    else { top++; at[top] = indent; kind[top] = "list"; key[top] = 0 }
    match(rest, /^- */); indent += RLENGTH; rest = substr(rest, RLENGTH + 1); pending = 0
  }
  if (rest == "") next
  found = 0
  if (rest ~ /^["']/) {
    S = rest; P = 1; quoted()
    if (substr(S, P) ~ /^:( |$)/) { found = 1; name = Q; after = substr(S, P + 1) }
  } else if (rest !~ /^[[{|>#]/ && match(rest, /:( |$)/)) { found = 1; name = trim(substr(rest, 1, RSTART - 1)); after = substr(rest, RSTART + 1) }
  if (!found) { value(rest); next }
  while (top && (at[top] > indent || (at[top] == indent && kind[top] == "list"))) top--
  if (!(top && at[top] == indent)) { top++; at[top] = indent; kind[top] = "map" }
  key[top] = name; pending = trim(after) == ""
  value(after)
}
END { endblock() }
