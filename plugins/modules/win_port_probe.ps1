#!powershell

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        probes = @{ type = "list"; elements = "dict"; required = $true }
        timeout = @{ type = "float"; default = 3.0 }
        batch = @{ type = "int"; default = 40 }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)

$sourcePortsTried = 10
# SocketError: what tells that a source port is taken, and what tells a reset.
$taken = @("AddressAlreadyInUse", "AddressNotAvailable", "AccessDenied")
$refused = @("ConnectionRefused", "ConnectionReset")

function Get-SourcePort {
    <#
    .SYNOPSIS
    Returns some of the permitted source ports, by chance; 0, which is any free port, where all are permitted.
    #>
    param($Permitted)

    $items = @($Permitted | Where-Object { $_ })
    if ($items.Count -eq 0) { return 0 }
    foreach ($attempt in 1..$sourcePortsTried) {
        $bounds = @([string](Get-Random -InputObject $items) -split "-")
        Get-Random -Minimum ([int]$bounds[0]) -Maximum ([int]$bounds[-1] + 1)
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

function Start-Probe {
    <#
    .SYNOPSIS
    Begins to connect, and returns what to wait for; or an answer where there is nothing to wait for.
    #>
    param($Probe)

    $source = [string]$Probe.source
    if ($Probe.protocol -ne "tcp" -or $Probe.probe -eq "responder") {
        return @{ answer = (New-Answer "not_probeable" "only TCP services are probed from a Windows host" $source $null) }
    }
    $why = "no permitted source port is free"
    foreach ($port in (Get-SourcePort $Probe.source_ports)) {
        $client = $null
        try {
            $local = New-Object System.Net.IPEndPoint ([System.Net.IPAddress]::Parse($source)), $port
            $client = New-Object System.Net.Sockets.TcpClient $local
            $bound = $client.Client.LocalEndPoint.Port
            $remote = [System.Net.IPAddress]::Parse([string]$Probe.destination)
            $pending = $client.BeginConnect($remote, [int]$Probe.destination_port, $null, $null)
            return @{ client = $client; pending = $pending; source = $source; port = $bound }
        } catch {
            if ($client) { $client.Close() }
            $inner = $_.Exception.GetBaseException()
            $why = $inner.Message
            if (-not ($inner -is [System.Net.Sockets.SocketException]) -or $taken -notcontains $inner.SocketErrorCode) { break }
        }
    }
    return @{ answer = (New-Answer "error" $why $source $null) }
}

function Complete-Probe {
    <#
    .SYNOPSIS
    Waits for a connection until the time is over, and returns the answer.
    #>
    param($Started, [System.Diagnostics.Stopwatch]$Watch, [double]$Seconds)

    if ($Started.answer) { return $Started.answer }
    $left = [int][Math]::Max(0, $Seconds * 1000 - $Watch.ElapsedMilliseconds)
    try {
        if (-not $Started.pending.AsyncWaitHandle.WaitOne($left, $false)) {
            return New-Answer "filtered" "no answer within $Seconds s" $Started.source $Started.port
        }
        $Started.client.EndConnect($Started.pending)
        return New-Answer "open" "connected" $Started.source $Started.port
    } catch {
        $inner = $_.Exception.GetBaseException()
        $verdict = "error"
        if ($inner -is [System.Net.Sockets.SocketException]) {
            if ($refused -contains $inner.SocketErrorCode) { $verdict = "refused" }
            if ($inner.SocketErrorCode -eq "TimedOut") { $verdict = "filtered" }
        }
        return New-Answer $verdict $inner.Message $Started.source $Started.port
    } finally {
        $Started.client.Close()
    }
}

$watch = [System.Diagnostics.Stopwatch]::StartNew()
$started = @($module.Params.probes | ForEach-Object { Start-Probe $_ })
$module.Result.answers = @($started | ForEach-Object { Complete-Probe $_ $watch $module.Params.timeout })

$module.ExitJson()
