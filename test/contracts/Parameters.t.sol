// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Parameters} from "contracts/Parameters.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {World} from "./World.sol";

contract ParametersTest is World {
    function change(bytes32 name, uint256 value) internal {
        vm.prank(governor);
        verifier.announce(name, value);
        pass(7 days);
        verifier.applyChange(name);
    }

    function test_a_change_waits_for_its_timelock() public {
        vm.prank(governor);
        verifier.announce("openBond", 30 * TOKEN);
        pass(7 days - 1);
        fails(Parameters.ChangeNotDue.selector);
        verifier.applyChange("openBond");
        pass(1);
        verifier.applyChange("openBond");
        eq(verifier.openBond(), 30 * TOKEN, "applied");
        fails(Parameters.ChangeNotDue.selector);
        verifier.applyChange("openBond");
    }

    function test_a_second_announcement_starts_the_wait_anew() public {
        vm.prank(governor);
        verifier.announce("dailyCap", 30 * TOKEN);
        pass(6 days);
        vm.prank(governor);
        verifier.announce("dailyCap", 31 * TOKEN);
        pass(6 days);
        fails(Parameters.ChangeNotDue.selector);
        verifier.applyChange("dailyCap");
    }

    function test_every_name_changes_its_own_value() public {
        change("dailyCap", 7);
        eq(verifier.dailyCap(), 7, "dailyCap");
        change("minimumTake", 8);
        eq(verifier.minimumTake(), 8, "minimumTake");
        change("treasury", 9);
        eq(verifier.treasury(), address(9), "treasury");
        change("guardian", 10);
        eq(verifier.guardian(), address(10), "guardian");
        change("faultVerifier", 11);
        eq(address(verifier.faultVerifier()), address(11), "faultVerifier");
        change("objectiveSlasher", 12);
        eq(address(verifier.objectiveSlasher()), address(12), "objectiveSlasher");
        change("oracle", 13);
        eq(address(verifier.oracle()), address(13), "oracle");
        change("verdictVersion", 15);
        eq(verifier.verdictVersion(), 15, "verdictVersion");
        eq(verifier.earlierVersion(), VERSION, "the one before");
        eq(verifier.earlierUntil(), block.timestamp + 3 days, "and its end");
        change("governor", 14);
        eq(verifier.governor(), address(14), "governor");
        vm.prank(governor);
        fails(Parameters.OnlyGovernor.selector);
        verifier.announce("dailyCap", 1);
    }

    function test_unknown_names_and_zero_addresses_are_refused() public {
        announcementFails("registry", 1, Parameters.UnknownParameter.selector);
        announcementFails("registry", 0, Parameters.UnknownParameter.selector);
        announcementFails("", 1, Parameters.UnknownParameter.selector);
        for (uint256 i = 0; i < 6; i++) announcementFails(addresses()[i], 0, Parameters.ZeroAddress.selector);
        announcementFails("verdictVersion", 0, Parameters.ZeroVerdictVersion.selector);
        // A bond or a cap of nothing is a value like any other.
        change("openBond", 0);
        eq(verifier.openBond(), 0, "no bond");
    }

    function addresses() internal pure returns (bytes32[6] memory) {
        return [bytes32("governor"), "guardian", "treasury", "faultVerifier", "objectiveSlasher", "oracle"];
    }

    function announcementFails(bytes32 name, uint256 value, bytes4 selector) internal {
        vm.prank(governor);
        fails(selector);
        verifier.announce(name, value);
        fails(Parameters.ChangeNotDue.selector);
        verifier.applyChange(name);
    }

    /// @dev 2^128 would have become 0 without a word: no cap, or nothing that could ever be taken.
    function test_values_that_do_not_fit_are_refused_when_they_are_announced() public {
        bytes4 large = Parameters.ValueTooLarge.selector;
        announcementFails("openBond", uint256(type(uint96).max) + 1, large);
        announcementFails("appealBond", uint256(type(uint96).max) + 1, large);
        announcementFails("dailyCap", uint256(type(uint128).max) + 1, large);
        announcementFails("minimumTake", uint256(type(uint128).max) + 1, large);
        for (uint256 i = 0; i < 6; i++) announcementFails(addresses()[i], uint256(type(uint160).max) + 1, large);
        announcementFails("verdictVersion", uint256(type(uint32).max) + 1, large);
        announcementFails("dailyCap", type(uint256).max, large);
    }

    function testFuzz_what_is_announced_is_what_is_applied(uint256 value) public {
        change("openBond", value % (1 << 96));
        eq(verifier.openBond(), value % (1 << 96), "openBond");
        change("appealBond", type(uint96).max);
        eq(verifier.appealBond(), type(uint96).max, "appealBond");
        change("dailyCap", value % (1 << 128));
        eq(verifier.dailyCap(), value % (1 << 128), "dailyCap");
        change("minimumTake", type(uint128).max);
        eq(verifier.minimumTake(), type(uint128).max, "minimumTake");
        change("treasury", type(uint160).max);
        eq(verifier.treasury(), address(type(uint160).max), "treasury");
        eq(verifier.guardian(), guardian, "nothing else");
    }

    function test_strangers_change_and_pause_nothing() public {
        vm.prank(guardian);
        fails(Parameters.OnlyGovernor.selector);
        verifier.announce("treasury", 1);
        vm.prank(governor);
        fails(Parameters.OnlyGuardian.selector);
        verifier.setPaused(true);
    }

    function test_a_pause_stops_new_proofs_and_nothing_else() public {
        vm.prank(guardian);
        verifier.setPaused(true);
        fails(Parameters.IsPaused.selector);
        verifier.commit(bytes32(uint256(1)));
        fails(Parameters.IsPaused.selector);
        verifier.reveal(1, "", 0);
        fails(Parameters.IsPaused.selector);
        verifier.convict(17, "");
        fails(FishermanVerifier.NoOpenCase.selector);
        verifier.expire(0);
        fails(FishermanVerifier.NotConvicted.selector);
        verifier.settle(0);
        vm.prank(guardian);
        verifier.setPaused(false);
        verifier.commit(bytes32(uint256(1)));
    }

    function deployWith(Parameters.Times memory times, Parameters.Roles memory roles) internal returns (FishermanVerifier) {
        FishermanVerifier.Wiring memory wiring;
        return FishermanVerifier(deploy("FishermanVerifier", abi.encode(wiring, times, roles, defaultAmounts(), VERSION)));
    }

    function tryVersion(uint32 version) external {
        FishermanVerifier.Wiring memory wiring;
        Parameters.Roles memory roles = Parameters.Roles(governor, guardian, treasury);
        deploy("FishermanVerifier", abi.encode(wiring, defaultTimes(), roles, defaultAmounts(), version));
    }

    function test_without_a_version_of_the_verdict_nothing_is_deployed() public {
        this.tryVersion(1);
        (bool ok, ) = address(this).call(abi.encodeCall(this.tryVersion, (0)));
        isTrue(!ok, "no version");
    }

    function refused(Parameters.Times memory times, string memory what) internal {
        (bool ok, ) = address(this).call(abi.encodeCall(this.tryTimes, (times)));
        isTrue(!ok, what);
    }

    function tryTimes(Parameters.Times memory times) external {
        deployWith(times, Parameters.Roles(governor, guardian, treasury));
    }

    function test_times_that_make_no_sense_are_not_deployed() public {
        this.tryTimes(defaultTimes());
        Parameters.Times memory times = defaultTimes();
        times.minCommitAge = 0;
        refused(times, "no commit age");
        times = defaultTimes();
        times.maxCommitAge = times.minCommitAge;
        refused(times, "no time to reveal");
        times = defaultTimes();
        times.answerSeconds = 0;
        refused(times, "no answer");
        times = defaultTimes();
        times.caseSeconds = times.answerSeconds;
        refused(times, "no time to convict");
        times = defaultTimes();
        times.appealSeconds = 0;
        refused(times, "no appeal");
    }
}
