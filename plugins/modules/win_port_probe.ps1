#!powershell

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        probes = @{ type = "list"; elements = "dict"; required = $true }
        # As it comes: Ansible reads a float in the language of the host, and for some "1.0" is ten.
        timeout = @{ type = "raw"; default = "3.0" }
        batch = @{ type = "int"; default = 40 }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)

$sourcePortsTried = 10

function ConvertTo-Second {
    <#
    .SYNOPSIS
    Returns a timeout as a number. A cast to text and this way to read it are the same in every language.
    #>
    param($Timeout)

    $float = [System.Globalization.NumberStyles]::Float
    $seconds = [double]::Parse([string]$Timeout, $float, [System.Globalization.CultureInfo]::InvariantCulture)
    if (-not ($seconds -ge 0 -and $seconds -le 86400)) { throw "it is out of range" }
    return $seconds
}

function Get-SourcePort {
    <#
    .SYNOPSIS
    Returns some of the permitted source ports, by chance and each once; 0, which is any free port, where all are permitted.
    #>
    param($Permitted)

    $total = 0
    $ranges = @(foreach ($item in @($Permitted | Where-Object { $null -ne $_ })) {
            $isRange = [string]$item -match "^([0-9]{1,5})(-([0-9]{1,5}))?$"
            $first = if ($isRange) { [int]$Matches[1] } else { 0 }
            $last = if ($isRange -and $Matches[3]) { [int]$Matches[3] } else { $first }
            if ($first -lt 1 -or $last -gt 65535 -or $first -gt $last) { throw "'$item' is not a source port or a range of them" }
            $size = $last - $first + 1
            $total += $size
            @{ first = $first; size = $size }
        })
    if ($total -eq 0) { return 0 }
    $wanted = [Math]::Min($total, $sourcePortsTried)
    $drawn = [System.Collections.Generic.HashSet[int]]::new()
    while ($drawn.Count -lt $wanted) {
        $index = Get-Random -Maximum $total
        if (-not $drawn.Add($index)) { continue }
        foreach ($range in $ranges) {
            if ($index -lt $range.size) {
                $range.first + $index
                break
            }
            $index -= $range.size
        }
    }
}

function New-Answer {
    <#
    .SYNOPSIS
    Returns what is told about one probe.
    #>
    param([string]$Verdict, [string]$Detail, [string]$Source, $Port)

    return @{
        verdict = $Verdict
        detail = $Detail
        source = $Source
        source_port = $Port
        certificate = $null
    }
}

function Test-PortTaken {
    <#
    .SYNOPSIS
    Tells whether an error means that another source port may do.
    #>
    param($Cause, [bool]$IsBound)

    if (-not ($Cause -is [System.Net.Sockets.SocketException])) { return $false }
    switch ([string]$Cause.SocketErrorCode) {
        "AddressAlreadyInUse" { return $true }
        # Before: somebody has the port for himself, or Windows reserved it. After: something forbids the connection.
        "AccessDenied" { return -not $IsBound }
        # Before: the host has no such address.
        "AddressNotAvailable" { return $IsBound }
    }
    return $false
}

function ConvertTo-Answer {
    <#
    .SYNOPSIS
    Returns the answer that an error is, in the words of the module port_probe. Without a port, no socket was bound.
    #>
    param($Cause, [string]$Source, $Port)

    $isBound = $null -ne $Port
    $code = if ($Cause -is [System.Net.Sockets.SocketException]) { [string]$Cause.SocketErrorCode } else { "" }
    if (-not $isBound -and $code -eq "AddressNotAvailable") {
        return New-Answer "error" "this host has no address $Source" $Source $null
    }
    if ($isBound -and $code -in @("ConnectionRefused", "ConnectionReset")) {
        return New-Answer "refused" "reset by the destination, or by a firewall in its name" $Source $Port
    }
    if ($isBound -and $code -eq "AccessDenied") {
        return New-Answer "filtered" "dropped by a firewall on the probing host itself" $Source $Port
    }
    if ($isBound -and $code -eq "TimedOut") {
        return New-Answer "filtered" $Cause.Message $Source $Port
    }
    return New-Answer "error" $Cause.Message $Source $Port
}

function Connect-Socket {
    <#
    .SYNOPSIS
    Begins to connect from the next source port that is free, and puts what to wait for, or an answer, into $Started.
    #>
    param($Started)

    while ($Started.ports.Count -gt 0) {
        $port = $Started.ports.Dequeue()
        $socket = $null
        $bound = $null
        try {
            $socket = [System.Net.Sockets.Socket]::new(
                $Started.local.AddressFamily, [System.Net.Sockets.SocketType]::Stream, [System.Net.Sockets.ProtocolType]::Tcp)
            if ($port -ne 0) {
                # Connections to elsewhere, those of other probes among them, may have the same port.
                $socket.SetSocketOption(
                    [System.Net.Sockets.SocketOptionLevel]::Socket, [System.Net.Sockets.SocketOptionName]::ReuseAddress, $true)
            }
            $socket.Bind([System.Net.IPEndPoint]::new($Started.local, $port))
            $bound = $socket.LocalEndPoint.Port
            $Started.watch = [System.Diagnostics.Stopwatch]::StartNew()
            $Started.pending = $socket.BeginConnect($Started.remote, $null, $null)
            $Started.socket = $socket
            $Started.port = $bound
            return
        }
        catch {
            $cause = $_.Exception.GetBaseException()
            if ($null -ne $socket) { $socket.Close() }
            if (-not (Test-PortTaken $cause ($null -ne $bound))) {
                $Started.answer = ConvertTo-Answer $cause $Started.source $bound
                return
            }
        }
    }
    $Started.answer = New-Answer "error" "no permitted source port is free, of $($Started.tried) that were tried" $Started.source $null
}

function Start-Probe {
    <#
    .SYNOPSIS
    Begins a probe, and returns what Complete-Probe needs.
    #>
    param($Probe)

    $source = [string]$Probe.source
    if ($Probe.protocol -ne "tcp" -or $Probe.probe -eq "responder") {
        return @{ answer = (New-Answer "not_probeable" "only TCP services are probed from a Windows host" $source $null) }
    }
    $started = @{ answer = $null; source = $source; ports = [System.Collections.Generic.Queue[int]]::new() }
    try {
        foreach ($port in @(Get-SourcePort $Probe.source_ports)) { $started.ports.Enqueue($port) }
        $started.tried = $started.ports.Count
        $started.local = [System.Net.IPAddress]::Parse($source)
        $destination = [System.Net.IPAddress]::Parse([string]$Probe.destination)
        $started.remote = [System.Net.IPEndPoint]::new($destination, [int]$Probe.destination_port)
        Connect-Socket $started
    }
    catch {
        # What is wrong with one probe is its answer, and no end of the others.
        $cause = $_.Exception.GetBaseException()
        $started.answer = New-Answer "error" $cause.Message $source $null
    }
    return $started
}

function Complete-Probe {
    <#
    .SYNOPSIS
    Waits for a connection until the time is over, and returns the answer.
    #>
    param($Started, [double]$Seconds)

    while ($null -eq $Started.answer) {
        $left = [int][Math]::Max(0, $Seconds * 1000 - $Started.watch.ElapsedMilliseconds)
        try {
            if ($Started.pending.AsyncWaitHandle.WaitOne($left, $false)) {
                $Started.socket.EndConnect($Started.pending)
                $Started.answer = New-Answer "open" "connected" $Started.source $Started.port
            }
            else {
                $Started.answer = New-Answer "filtered" "no answer within $Seconds s" $Started.source $Started.port
            }
        }
        catch {
            # That the port has such a connection already may be said as late as here.
            $cause = $_.Exception.GetBaseException()
            if (-not (Test-PortTaken $cause $true)) {
                $Started.answer = ConvertTo-Answer $cause $Started.source $Started.port
            }
        }
        finally {
            $Started.socket.Close()
        }
        if ($null -eq $Started.answer) { Connect-Socket $Started }
    }
    return $Started.answer
}

try {
    $seconds = ConvertTo-Second $module.Params.timeout
}
catch {
    $module.FailJson("timeout: '$($module.Params.timeout)' is not a time to wait; accepted: seconds from 0 to 86400, such as 3 or 2.7")
}

$started = @($module.Params.probes | ForEach-Object { Start-Probe $_ })
$module.Result.answers = @($started | ForEach-Object { Complete-Probe $_ $seconds })

$module.ExitJson()
