// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SecurityDeposit} from "contracts/SecurityDeposit.sol";
import {World} from "./World.sol";

contract DepositTest is World {
    function test_thawing_takes_twenty_one_days() public {
        vm.startPrank(node(0));
        deposit.thaw(400 * TOKEN);
        pass(21 days - 1);
        fails(SecurityDeposit.NotThawed.selector);
        deposit.withdraw();
        pass(1);
        deposit.withdraw();
        vm.stopPrank();
        eq(token.balanceOf(node(0)), 400 * TOKEN, "paid");
        eq(deposit.stakeOf(node(0)), 600 * TOKEN, "left");
    }

    function test_asking_more_starts_the_wait_anew() public {
        vm.startPrank(node(0));
        deposit.thaw(400 * TOKEN);
        pass(20 days);
        deposit.thaw(1);
        pass(20 days);
        fails(SecurityDeposit.NotThawed.selector);
        deposit.withdraw();
        vm.stopPrank();
    }

    function testFuzz_no_more_thaws_than_is_there(uint256 first, uint256 second) public {
        first = bound(first, 1, 1000 * TOKEN);
        vm.startPrank(node(0));
        deposit.thaw(first);
        second = bound(second, 1000 * TOKEN - first + 1, type(uint128).max);
        fails(SecurityDeposit.NotEnough.selector);
        deposit.thaw(second);
        vm.stopPrank();
    }

    function test_zero_is_refused() public {
        vm.startPrank(node(0));
        fails(SecurityDeposit.ZeroAmount.selector);
        deposit.thaw(0);
        fails(SecurityDeposit.ZeroAmount.selector);
        deposit.deposit(0);
        fails(SecurityDeposit.NothingThawing.selector);
        deposit.withdraw();
        fails(SecurityDeposit.NotEnough.selector);
        deposit.deposit(type(uint128).max);
        vm.stopPrank();
    }

    function test_frozen_nothing_leaves_however_thawed_it_is() public {
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
        vm.startPrank(address(verifier));
        deposit.freeze(node(0));
        deposit.freeze(node(0));
        vm.stopPrank();
        pass(100 days);
        vm.prank(node(0));
        fails(SecurityDeposit.DepositFrozen.selector);
        deposit.withdraw();
        vm.prank(address(verifier));
        deposit.unfreeze(node(0));
        isTrue(deposit.isFrozen(node(0)), "one case is left");
        vm.prank(node(0));
        fails(SecurityDeposit.DepositFrozen.selector);
        deposit.withdraw();
        vm.prank(address(verifier));
        deposit.unfreeze(node(0));
        vm.prank(node(0));
        deposit.withdraw();
        eq(token.balanceOf(node(0)), 1000 * TOKEN, "paid in the end");
        vm.prank(address(verifier));
        fails(SecurityDeposit.NotFrozen.selector);
        deposit.unfreeze(node(0));
    }

    function test_only_the_verifier_freezes_and_only_the_slasher_takes() public {
        vm.startPrank(governor);
        fails(SecurityDeposit.OnlyVerifier.selector);
        deposit.freeze(node(0));
        fails(SecurityDeposit.OnlyVerifier.selector);
        deposit.unfreeze(node(0));
        fails(SecurityDeposit.OnlySlasher.selector);
        deposit.take(node(0), 1, governor);
        vm.stopPrank();
        vm.prank(address(verifier));
        fails(SecurityDeposit.OnlySlasher.selector);
        deposit.take(node(0), 1, governor);
    }

    function testFuzz_take_takes_what_is_there_thawing_included(uint256 thawing, uint256 amount) public {
        thawing = bound(thawing, 1, 1000 * TOKEN);
        amount = bound(amount, 0, 2000 * TOKEN);
        vm.prank(node(0));
        deposit.thaw(thawing);
        vm.prank(address(depositSlasher));
        uint256 taken = deposit.take(node(0), amount, treasury);
        eq(taken, amount < 1000 * TOKEN ? amount : 1000 * TOKEN, "taken");
        eq(token.balanceOf(treasury), taken, "moved");
        pass(21 days);
        uint256 left = 1000 * TOKEN - taken;
        vm.prank(node(0));
        if (left == 0) fails(SecurityDeposit.NothingThawing.selector);
        deposit.withdraw();
        eq(token.balanceOf(node(0)), thawing < left ? thawing : left, "never more than is left");
    }

    function test_anybody_may_add_for_a_node() public {
        give(stranger, 5 * TOKEN);
        vm.startPrank(stranger);
        token.approve(address(deposit), 5 * TOKEN);
        deposit.depositFor(node(1), 5 * TOKEN);
        vm.stopPrank();
        eq(deposit.stakeOf(node(1)), 1005 * TOKEN, "added");
    }

    // ------------------------------------------------------------------------------------------------- what is on its way out

    function thawAll() internal {
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
    }

    function withdrawFails(bytes4 selector) internal {
        vm.prank(node(0));
        fails(selector);
        deposit.withdraw();
    }

    function test_what_has_thawed_leaves_within_three_days_or_thaws_anew() public {
        thawAll();
        pass(24 days);
        withdrawFails(SecurityDeposit.ThawLapsed.selector);
        pass(365 days);
        withdrawFails(SecurityDeposit.ThawLapsed.selector);
        // All of it is deposit again, and waits as any other.
        thawAll();
        withdrawFails(SecurityDeposit.NotThawed.selector);
        pass(24 days - 1);
        vm.prank(node(0));
        deposit.withdraw();
        eq(token.balanceOf(node(0)), 1000 * TOKEN, "paid in the last second");
    }

    function test_what_thaws_is_no_security_until_its_time_is_over() public {
        eq(deposit.securityOf(node(0)), 1000 * TOKEN, "all");
        vm.prank(node(0));
        deposit.thaw(400 * TOKEN);
        eq(deposit.securityOf(node(0)), 600 * TOKEN, "from the first second on");
        eq(deposit.stakeOf(node(0)), 1000 * TOKEN, "a conviction reaches all of it");
        eq(depositSlasher.stakeOf(node(0)), 1000 * TOKEN, "and takes its share of all of it");
        pass(24 days - 1);
        eq(deposit.securityOf(node(0)), 600 * TOKEN, "to the last");
        pass(1);
        eq(deposit.securityOf(node(0)), 1000 * TOKEN, "nothing leaves for 21 days");
        vm.prank(node(0));
        deposit.thaw(100 * TOKEN);
        eq(deposit.securityOf(node(0)), 900 * TOKEN, "what lapsed does not thaw with it");
        pass(21 days);
        vm.prank(node(0));
        deposit.withdraw();
        eq(deposit.securityOf(node(0)), 900 * TOKEN, "left");
        eq(deposit.securityOf(stranger), 0, "nobody's");
    }

    function freezes(bool on) internal {
        vm.prank(address(verifier));
        if (on) deposit.freeze(node(0));
        else deposit.unfreeze(node(0));
    }

    function test_a_case_does_not_use_up_the_time_to_leave() public {
        thawAll();
        pass(22 days);
        freezes(true);
        freezes(true);
        pass(7 days);
        freezes(false);
        pass(7 days);
        eq(deposit.securityOf(node(0)), 0, "still on its way out");
        withdrawFails(SecurityDeposit.DepositFrozen.selector);
        freezes(false);
        pass(3 days);
        withdrawFails(SecurityDeposit.ThawLapsed.selector);
        vm.warp(block.timestamp - 1);
        vm.prank(node(0));
        deposit.withdraw();
        eq(token.balanceOf(node(0)), 1000 * TOKEN, "three days after the last case");
    }

    function test_a_case_that_ends_before_it_thawed_changes_nothing() public {
        thawAll();
        freezes(true);
        pass(7 days);
        freezes(false);
        pass(14 days - 1);
        withdrawFails(SecurityDeposit.NotThawed.selector);
        pass(1);
        vm.prank(node(0));
        deposit.withdraw();
    }

    /// @dev Else a friend's case would be a way out within days.
    function test_a_case_brings_nothing_back_that_had_lapsed() public {
        thawAll();
        pass(24 days);
        freezes(true);
        eq(deposit.securityOf(node(0)), 1000 * TOKEN, "security");
        pass(7 days);
        freezes(false);
        withdrawFails(SecurityDeposit.NothingThawing.selector);
        thawAll();
        pass(21 days - 1);
        withdrawFails(SecurityDeposit.NotThawed.selector);
    }
}
