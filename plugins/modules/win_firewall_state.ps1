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
    LocalUserAuthorizedList = @("")
    RemoteUserAuthorizedList = @("")
    RemoteMachineAuthorizedList = @("")
}

function ConvertTo-Text {
    <#
    .SYNOPSIS
    Returns a property of a COM object as text; what is not set is the empty text.
    #>
    param($Value)

    if ($null -eq $Value) { return "" }
    return (@($Value) -join ",")
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

    $program = ConvertTo-Text -Value $Rule.ApplicationName
    $service = ConvertTo-Text -Value $Rule.ServiceName
    $other = @{}
    foreach ($property in $defaultsOfOthers.Keys) {
        # An older Windows has fewer properties.
        if (-not $Rule.PSObject.Properties[$property]) { continue }
        $value = ConvertTo-Text -Value $Rule.$property
        if ($value -notin $defaultsOfOthers[$property]) { $other[$property] = $value }
    }

    return @{
        name = ConvertTo-Text -Value $Rule.Name
        group = ConvertTo-Text -Value $Rule.Grouping
        description = ConvertTo-Text -Value $Rule.Description
        enabled = [bool]$Rule.Enabled
        direction = if ($Rule.Direction -eq 2) { "out" } else { "in" }
        action = if ($Rule.Action -eq 1) { "allow" } else { "block" }
        protocol = ConvertTo-ProtocolName -Number $Rule.Protocol
        profiles = ConvertTo-ProfileList -Bits $Rule.Profiles
        localip = ConvertTo-Text -Value $Rule.LocalAddresses
        remoteip = ConvertTo-Text -Value $Rule.RemoteAddresses
        localport = ConvertTo-Text -Value $Rule.LocalPorts
        remoteport = ConvertTo-Text -Value $Rule.RemotePorts
        program = if ($program) { $program } else { "any" }
        service = if ($service) { $service } else { "any" }
        other = $other
    }
}

function Get-RuleState {
    <#
    .SYNOPSIS
    Returns the rules of the group, and the foreign ones whose names matter to it. Enumerates the firewall once.
    #>
    param($Policy, [string]$Group, [string]$NamePrefix)

    $inGroup = [System.Collections.Generic.List[object]]@()
    $outside = [System.Collections.Generic.List[object]]@()
    # win_firewall_rule compares names without regard to case.
    $names = [System.Collections.Generic.HashSet[string]]::new([System.StringComparer]::OrdinalIgnoreCase)
    foreach ($rule in $Policy.Rules) {
        if ($rule.Grouping -eq $Group) {
            $inGroup.Add((ConvertTo-RuleData -Rule $rule))
            [void]$names.Add([string]$rule.Name)
        }
        else {
            $outside.Add($rule)
        }
    }

    $foreign = [System.Collections.Generic.List[object]]@()
    foreach ($rule in $outside) {
        $name = [string]$rule.Name
        $isAlike = $name.StartsWith($NamePrefix, [System.StringComparison]::OrdinalIgnoreCase)
        if ($isAlike -or $names.Contains($name)) {
            $foreign.Add((ConvertTo-RuleData -Rule $rule))
        }
    }

    return @{ rules = $inGroup.ToArray(); foreign = $foreign.ToArray() }
}

function Get-ProfileState {
    <#
    .SYNOPSIS
    Returns the profiles as they are in effect. The active store is the sum of local settings and policies.
    #>
    param([int]$ActiveBits)

    $found = foreach ($firewallProfile in (Get-NetFirewallProfile -PolicyStore ActiveStore)) {
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
    return , @($found)
}

try {
    $policy = New-Object -ComObject HNetCfg.FwPolicy2
    $ruleState = Get-RuleState -Policy $policy -Group $module.Params.group -NamePrefix $module.Params.name_prefix
    $module.Result.rules = $ruleState.rules
    $module.Result.foreign_rules = $ruleState.foreign
    $module.Result.profiles = Get-ProfileState -ActiveBits $policy.CurrentProfileTypes
}
catch {
    $module.FailJson("The Windows Firewall could not be read: $($_.Exception.Message)", $_)
}

$module.ExitJson()
