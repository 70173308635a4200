#!powershell

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

#AnsibleRequires -CSharpUtil Ansible.Basic

$spec = @{
    options = @{
        group = @{ type = "str"; default = "Pexip SfB port matrix" }
        name_prefix = @{ type = "str"; default = "Pexip SfB " }
    }
    supports_check_mode = $true
}
$module = [Ansible.Basic.AnsibleModule]::Create($args, $spec)

# Bits of NET_FW_PROFILE_TYPE2.
$profileBits = [ordered]@{ domain = 1; private = 2; public = 4 }

# Properties that win_firewall_rule documents no option for, and the values that a rule has where nobody set them.
$defaultsOfOthers = [ordered]@{
    InterfaceTypes = @("", "All")
    Interfaces = @("")
    EdgeTraversal = @("", "False")
    EdgeTraversalOptions = @("", "0")
    SecureFlags = @("", "0")
    IcmpTypesAndCodes = @("", "*")
    LocalAppPackageId = @("")
    LocalUserOwner = @("")
    LocalUserAuthorizedList = @("")
    RemoteUserAuthorizedList = @("")
    RemoteMachineAuthorizedList = @("")
}

function Get-Property {
    <#
    .SYNOPSIS
    Returns a property of a COM object. PowerShell's own way makes $null of an error; this one throws it.
    #>
    param($Object, [string]$Name)

    try {
        return , $Object.GetType().InvokeMember($Name, [System.Reflection.BindingFlags]::GetProperty, $null, $Object, $null)
    }
    catch {
        throw "${Name}: $($_.Exception.GetBaseException().Message)"
    }
}

function Get-Text {
    <#
    .SYNOPSIS
    Returns a property of a COM object as text; what is not set is the empty text.
    #>
    param($Object, [string]$Name)

    $value = Get-Property -Object $Object -Name $Name
    if ($null -eq $value) { return "" }
    return (@($value) -join ",")
}

function ConvertTo-ProtocolName {
    <#
    .SYNOPSIS
    Returns the name that win_firewall_rule has for a protocol number, or the number.
    #>
    param([int]$Number)

    switch ($Number) {
        6 { return "tcp" }
        17 { return "udp" }
        256 { return "any" }
        default { return [string]$Number }
    }
}

function ConvertTo-ProfileList {
    <#
    .SYNOPSIS
    Returns the names of the profiles whose bits are set; all bits, 0x7fffffff, are all three.
    #>
    param([int]$Bits)

    return , @($profileBits.Keys | Where-Object { $Bits -band $profileBits[$_] })
}

function ConvertTo-RuleData {
    <#
    .SYNOPSIS
    Returns a rule as data, under the names of the options of win_firewall_rule.
    #>
    param($Rule)

    $program = Get-Text -Object $Rule -Name "ApplicationName"
    $service = Get-Text -Object $Rule -Name "ServiceName"
    $other = @{}
    foreach ($property in $defaultsOfOthers.Keys) {
        # An older Windows has fewer properties.
        if (-not $Rule.PSObject.Properties[$property]) { continue }
        $value = Get-Text -Object $Rule -Name $property
        if ($value -notin $defaultsOfOthers[$property]) { $other[$property] = $value }
    }

    return @{
        name = Get-Text -Object $Rule -Name "Name"
        group = Get-Text -Object $Rule -Name "Grouping"
        description = Get-Text -Object $Rule -Name "Description"
        enabled = [bool](Get-Property -Object $Rule -Name "Enabled")
        direction = if ((Get-Property -Object $Rule -Name "Direction") -eq 2) { "out" } else { "in" }
        action = if ((Get-Property -Object $Rule -Name "Action") -eq 1) { "allow" } else { "block" }
        protocol = ConvertTo-ProtocolName -Number (Get-Property -Object $Rule -Name "Protocol")
        profiles = ConvertTo-ProfileList -Bits (Get-Property -Object $Rule -Name "Profiles")
        localip = Get-Text -Object $Rule -Name "LocalAddresses"
        remoteip = Get-Text -Object $Rule -Name "RemoteAddresses"
        localport = Get-Text -Object $Rule -Name "LocalPorts"
        remoteport = Get-Text -Object $Rule -Name "RemotePorts"
        program = if ($program) { $program } else { "any" }
        service = if ($service) { $service } else { "any" }
        other = $other
    }
}

function Get-RuleState {
    <#
    .SYNOPSIS
    Returns the rules of the group, and of the others those whose names matter to it and those that block. Enumerates the
    firewall once.
    #>
    param($Policy, [string]$Group, [string]$NamePrefix)

    $inGroup = [System.Collections.Generic.List[object]]@()
    $outside = [System.Collections.Generic.List[object]]@()
    # win_firewall_rule compares names without regard to case.
    $names = [System.Collections.Generic.HashSet[string]]::new([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($rule in (Get-Property -Object $Policy -Name "Rules")) {
        if ((Get-Property -Object $rule -Name "Grouping") -eq $Group) {
            $inGroup.Add((ConvertTo-RuleData -Rule $rule))
            [void]$names.Add((Get-Text -Object $rule -Name "Name"))
        }
        else {
            $outside.Add($rule)
        }
    }

    $foreign = [System.Collections.Generic.List[object]]@()
    $blocking = [System.Collections.Generic.List[object]]@()
    foreach ($rule in $outside) {
        $name = Get-Text -Object $rule -Name "Name"
        $isAlike = $name.StartsWith($NamePrefix, [System.StringComparison]::OrdinalIgnoreCase)
        $isBlocking = (Get-Property -Object $rule -Name "Enabled") -and (Get-Property -Object $rule -Name "Action") -eq 0
        if ($isAlike -or $names.Contains($name)) {
            $foreign.Add((ConvertTo-RuleData -Rule $rule))
        }
        if ($isBlocking) {
            $blocking.Add((ConvertTo-RuleData -Rule $rule))
        }
    }

    return @{ rules = $inGroup.ToArray(); foreign = $foreign.ToArray(); blocking = $blocking.ToArray() }
}

function Get-ProfileState {
    <#
    .SYNOPSIS
    Returns the profiles as they are in effect. The active store is the sum of local settings and policies.
    #>
    param([int]$ActiveBits)

    $found = foreach ($firewallProfile in (Get-NetFirewallProfile -PolicyStore ActiveStore -ErrorAction Stop)) {
        $name = ([string]$firewallProfile.Name).ToLowerInvariant()
        # What nobody configured is what Windows does by itself: rules count, inbound is blocked, outbound is allowed.
        @{
            name = $name
            active = [bool]($ActiveBits -band $profileBits[$name])
            enabled = [string]$firewallProfile.Enabled -ne "False"
            local_rules_apply = [string]$firewallProfile.AllowLocalFirewallRules -ne "False"
            inbound_blocked = [string]$firewallProfile.AllowInboundRules -eq "False"
            default_inbound = if ([string]$firewallProfile.DefaultInboundAction -eq "Allow") { "allow" } else { "block" }
            default_outbound = if ([string]$firewallProfile.DefaultOutboundAction -eq "Block") { "block" } else { "allow" }
        }
    }
    if ($null -eq $found) { throw "it has no profiles" }
    return , @($found)
}

try {
    $policy = New-Object -ComObject HNetCfg.FwPolicy2
    $ruleState = Get-RuleState -Policy $policy -Group $module.Params.group -NamePrefix $module.Params.name_prefix
    $module.Result.rules = $ruleState.rules
    $module.Result.foreign_rules = $ruleState.foreign
    $module.Result.blocking_rules = $ruleState.blocking
    $module.Result.profiles = Get-ProfileState -ActiveBits (Get-Property -Object $policy -Name "CurrentProfileTypes")
}
catch {
    $module.FailJson("The Windows Firewall could not be read: $($_.Exception.GetBaseException().Message)", $_)
}

$module.ExitJson()
