// The filter of the HTML report. Without it the page shows every flow, and nothing else is lost.
(function () {
  "use strict";
  var form = document.getElementById("filter");
  var rows = Array.prototype.slice.call(document.querySelectorAll("#flows-table tr[data-ports]"));
  var sections = Array.prototype.slice.call(document.querySelectorAll("#flows-table tbody"));
  var shown = document.getElementById("filter-result");
  var sets = {};
  if (!form) { return; }

  // "192.0.2.1" or "2001:db8::1" as a number and its width; null for anything else.
  function address(text) {
    var parts;
    if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) {
      parts = text.split(".").map(Number);
      return parts.some(function (part) { return part > 255; }) ? null : number(parts, 8);
    }
    var halves = text.split("::");
    if (!/^[0-9a-f:]+$/i.test(text) || text.indexOf(":") < 0 || halves.length > 2) { return null; }
    var head = halves[0] ? halves[0].split(":") : [];
    var tail = halves[1] ? halves[1].split(":") : [];
    var missing = 8 - head.length - tail.length;
    if (halves.length === 1 ? missing !== 0 : missing < 1) { return null; }
    while (missing-- > 0) { head.push("0"); }
    parts = head.concat(tail);
    if (!parts.every(function (part) { return /^[0-9a-f]{1,4}$/i.test(part); })) { return null; }
    return number(parts.map(function (part) { return parseInt(part, 16); }), 16);
  }

  function number(parts, bits) {
    return {
      text: parts.join("."),
      width: parts.length * bits,
      value: parts.reduce(function (sum, part) { return (sum << BigInt(bits)) + BigInt(part); }, BigInt(0))
    };
  }

  function contains(cidr, wanted) {
    // Most are single IPv4 addresses, which are written in one way only.
    if (wanted.width === 32 && cidr.indexOf("/") < 0) { return cidr === wanted.text; }
    var parts = cidr.split("/");
    var network = address(parts[0]);
    if (!network || network.width !== wanted.width) { return false; }
    var rest = BigInt(network.width - (parts.length > 1 ? Number(parts[1]) : network.width));
    return network.value >> rest === wanted.value >> rest;
  }

  // A long list is packed: three columns, hosts, addresses and those on the other side of a NAT. A line of a column begins
  // with how many characters it shares with the line before, as a digit of 36.
  function unpacked(text) {
    return text.split("\n\n").map(function (column) {
      var before = [];
      return column.split("\n").map(function (line) {
        before = before.slice(0, parseInt(line[0], 36)).concat(Array.from(line.slice(1)));
        return before.join("");
      });
    });
  }

  function lines(columns) {
    return columns[0].map(function (host, index) {
      return (host + " " + columns[1][index] + " " + columns[2][index]).trim();
    }).join("\n");
  }

  // The hosts and addresses of a list stand once in the page.
  function set(id) {
    if (!sets[id]) {
      var list = document.getElementById(id);
      var packed = list.querySelector(".packed");
      var columns = packed && unpacked(packed.textContent);
      var text = packed ? lines(columns) : list.querySelector("ul").textContent;
      var cidrs = packed ? columns[1].concat(columns[2]).join(" ").split(" ") :
        Array.prototype.map.call(list.querySelectorAll("code"), function (one) { return one.textContent; });
      sets[id] = { text: text.toLowerCase(), cidrs: cidrs };
    }
    return sets[id];
  }

  function unpack(list) {
    var packed = list.querySelector(".packed");
    if (list.open && packed) {
      var text = document.createElement("pre");
      text.textContent = lines(unpacked(packed.textContent));
      set(list.id);  // what the filter looks up is kept, and the packed text is not needed any more
      list.replaceChild(text, packed);
      list.querySelector(".unpacked").hidden = true;
    }
  }

  function hasHost(row, text, wanted) {
    return row.dataset.lists.split(" ").some(function (id) {
      return wanted ? set(id).cidrs.some(function (cidr) { return contains(cidr, wanted); }) : set(id).text.indexOf(text) >= 0;
    });
  }

  function hasPort(row, port) {
    return row.dataset.ports === "" || row.dataset.ports.split(" ").some(function (range) {
      var ends = range.split("-").map(Number);
      return ends[0] <= port && port <= ends[ends.length - 1];
    });
  }

  function apply() {
    var endpoint = form.elements.endpoint.value;
    var text = form.elements.host.value.trim().toLowerCase();
    var port = form.elements.port.value.trim();
    var wanted = address(text);
    var count = 0;
    rows.forEach(function (row) {
      var fits = (!endpoint || row.dataset.endpoints.split(" ").indexOf(endpoint) >= 0) &&
        (!text || hasHost(row, text, wanted)) &&
        (!port || hasPort(row, Number(port)));
      row.hidden = !fits;
      count += fits ? 1 : 0;
    });
    sections.forEach(function (section) { section.hidden = !section.querySelector("tr[data-ports]:not([hidden])"); });
    shown.textContent = count === rows.length ? "All " + count + " flows are shown." : count + " of " + rows.length + " flows are shown.";
  }

  // A link to a list of addresses opens it.
  function reveal() {
    var target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") { target.open = true; target.scrollIntoView(); }
  }

  Array.prototype.forEach.call(document.querySelectorAll(".addresses > details"), function (list) {
    list.addEventListener("toggle", function () { unpack(list); });
  });
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("reset", function () { setTimeout(apply, 0); });
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  window.addEventListener("hashchange", reveal);
  window.addEventListener("beforeprint", function () {
    Array.prototype.forEach.call(document.querySelectorAll("details[data-print], details.why"), function (one) { one.open = true; });
  });
  reveal();
  apply();
}());
